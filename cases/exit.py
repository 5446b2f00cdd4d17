"""What still has to happen for a step to end: the live counter beside a case in effect.

A step ends on evidence: on clean periods in a row (method.md 10.2; for a reminder domain.md section 11), or on a re-inspection
that was passed. Read from the published edition and the case; nothing here closes anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl
from babel.dates import format_date

from cases.case import Case
from cases.sentences import LOCALES
from i18n.words import Words
from metrics.calendar import Quarter
from rules.book import Rule

GOOD = ("excellent", "good")
COUNTED = ("attention", "listing", "interview")  # a replacement ends by people's decision (method.md 10.2)
IN_A_ROW = 2  # periods of ``exit_p`` (method.md 10.2), as cases/persistence.py reads it


@dataclass(frozen=True)
class Said:
    """One line of the counter: a word key below ``exit.`` and its values."""

    key: str
    params: dict

    def __call__(self, t: Words) -> str:
        """The line in the words' language."""
        return t(f"exit.{self.key}", **{k: _value(v, k, t) for k, v in self.params.items()})


@dataclass(frozen=True)
class Counter:
    """How far a case is from its end.

    Attributes:
        clean, needed: clean periods in a row since it took effect, and how many end it; needed 0 = periods end nothing.
        reinspection: ``passed``, ``failed``, ``asked`` or ``none``.
        met: one of the two ways is met, so it may be closed on evidence.
        says: what is missing, the nearest way first.
    """

    clean: int
    needed: int
    reinspection: str
    met: bool
    says: tuple[Said, ...]


def counter(case: Case, periods: pl.DataFrame, ladder: Rule, newest: str) -> Counter | None:
    """The counter of a case in effect; None where nothing is counted.

    Args:
        periods: one row per period of the case's unit in the published edition: ``period, state, band, p_below``.
        ladder: the ladder as in force. newest: the edition's own period.
    """
    since = case.effective_on
    if case.phase != "effective" or case.step not in COUNTED or since is None:
        return None
    needed = _needed(case, ladder)
    clean = _clean_in_a_row(case, since, periods, ladder, Quarter.parse(newest)) if needed else 0
    inspected = _reinspection(case)
    met = inspected == "passed" or 0 < needed <= clean
    says = (_met(case, clean, needed, inspected),) if met else _missing(case, ladder, clean, needed, inspected, newest)
    return Counter(clean, needed, inspected, met, says)


def _needed(case: Case, ladder: Rule) -> int:
    if case.step == "attention":
        return ladder["attention_ends_after"]
    return IN_A_ROW if ladder["reading"] == "probability" else 0


def _clean_in_a_row(case: Case, since: date, periods: pl.DataFrame, ladder: Rule, newest: Quarter) -> int:
    """Clean periods without a gap up to the newest; only those that ended after the step took effect."""
    rows = {r["period"]: r for r in periods.to_dicts()}
    count = 0
    while (newest - count).last > since and _is_clean(case, rows.get(str(newest - count)), ladder):
        count += 1
    return count


def _is_clean(case: Case, row: dict | None, ladder: Rule) -> bool:
    """A period that was not rated is not clean: it neither raises nor ends."""
    if row is None or row["state"] != "rated":
        return False
    if case.step == "attention":
        return row["band"] in GOOD
    return row["p_below"] is not None and row["p_below"] <= ladder["exit_p"]


def _reinspection(case: Case) -> str:
    if case.reinspection_passed:
        return "passed"
    if case.reinspection_asked_on:
        return "asked"
    return "failed" if case.reinspection_passed is False else "none"


def _met(case: Case, clean: int, needed: int, inspected: str) -> Said:
    if inspected == "passed":
        return Said("reinspection_passed", {"on": case.reinspected_on})
    return Said("clean_enough", {"clean": clean, "needed": needed})


def _missing(
    case: Case, ladder: Rule, clean: int, needed: int, inspected: str, newest: str
) -> tuple[Said, ...]:  # fmt: skip
    until = case.listed_until if case.step == "listing" else None
    says = [_periods_missing(case, ladder, needed - clean, newest, until)] if needed else []
    by = {"until": until} if until else {}
    return (*says, Said(f"reinspection_{inspected}" + ("_until" if until else ""), by))


def _periods_missing(case: Case, ladder: Rule, missing: int, newest: str, until: date | None) -> Said:
    """How many clean periods are missing, and when the last of them can end at the earliest."""
    earliest = _next_over(case, Quarter.parse(newest), missing)
    what = "good" if case.step == "attention" else "clean"
    params: dict = {"missing": missing} | ({} if what == "good" else {"exit_p": ladder["exit_p"]})
    if until and earliest > until:
        return Said("too_late_for_periods", {"earliest": earliest, "until": until})
    if until:
        return Said(f"{what}_more_until", params | {"until": until})
    return Said(f"{what}_more", params | {"earliest": earliest})


def _next_over(case: Case, newest: Quarter, missing: int) -> date:
    """The last day of the period in which the count can be full: periods over before the step took effect cannot help."""
    quarter = newest
    while missing:
        quarter = quarter + 1
        missing -= case.effective_on is not None and quarter.last > case.effective_on
    return quarter.last


def _value(value: object, name: str, t: Words) -> object:
    if isinstance(value, date):
        return format_date(value, format="long", locale=LOCALES[t.language])
    return f"{value:.0%}" if name == "exit_p" else value
