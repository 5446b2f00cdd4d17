"""What each column of an unknown file most likely means: by its heading's likeness and by the shape of its values.

Per pair of contract column and heading: how alike the names are (headings every source of the table accepts and
``data/synonyms.toml``), and which share of the first rows' values could stand in that column (days, moments, yes or no, numbers in
the contract's range, labels of an enumeration, ids and names on record, credit codes whose check sign is right). The
assignment of headings to columns with the greatest total confidence is suggested. Nothing is loaded by it: a person
confirms it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from rapidfuzz import fuzz, process
from scipy.optimize import linear_sum_assignment

from data import parsing
from data.contracts import Table
from data.credit_code import is_credit_code
from data.mapping import FALSE, TRUE, Source
from data.record_tables import allowed
from data.suggest import LIKE, even, synonyms

#: From which confidence a heading is suggested; how many others are offered.
LEAST, OTHERS = 0.3, 4
#: How much a likeness of names says by itself, and what is left of it where the values do not fit: known and like headings.
NAME_SAYS, EXACT_LEFT, LIKE_LEFT = 0.9, 0.5, 0.3
#: How much values that fit say by themselves: many columns hold days, few hold a company's code.
SAYS = {"code": 0.85, "credit_code": 0.9, "on_record": 0.9, "moment": 0.6, "day": 0.5, "yes_or_no": 0.45, "number": 0.25,
        "distinct": 0.3}  # fmt: skip


class Reason(NamedTuple):
    """One ground of a suggestion: a word key below ``guess.`` and its values."""

    kind: str
    params: dict[str, Any]


@dataclass(frozen=True)
class Guess:
    """One contract column: the heading suggested (None where nothing is like enough), how sure, why, and other headings."""

    column: str
    heading: str | None
    confidence: float
    reasons: tuple[Reason, ...] = ()
    others: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class OnRecord:
    """Ids and names the registers know: contract column -> texts."""

    texts: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, found: pl.DataFrame) -> OnRecord:
        """Args: found: ``column_name``, ``text`` (``data/queries/onrecord.py``)."""
        return cls({str(name): frozenset(part["text"].to_list()) for (name,), part in found.group_by("column_name")})


class Fit(NamedTuple):
    """How well values stand in a column: the share that could, what kind of shape it is, and what that says."""

    share: float
    kind: str
    says: float


def needed(table: Table) -> list[str]:
    """Columns without which no row of the table is accepted."""
    return [name for name, c in table.contract.to_schema().columns.items() if not c.nullable or name in table.key]


def limits(table: Table, column: str) -> tuple[float | None, float | None]:
    """The contract's least and greatest value of a number."""
    said: dict[str, Any] = {}
    for check in table.contract.to_schema().columns[column].checks:
        said |= check.statistics or {}
    return said.get("min_value"), said.get("max_value")


def labels(sources: list[Source], column: str) -> dict[str, str]:
    """Every label any of these sources has for a column's codes, the first named first."""
    found: dict[str, str] = {}
    for source in sources:
        found = {**source.codes.get(column, {}), **found}
    return found


class Shapes:
    """The values of a file's first rows, looked at once."""

    def __init__(self, rows: pl.DataFrame, base: Source, known: OnRecord) -> None:
        self.base, self.known = base, known
        text = rows.select(
            pl.when(~pl.col(h).str.strip_chars().is_in(list(base.nothing))).then(pl.col(h).str.strip_chars()).alias(h)
            for h in rows.columns
        )
        self.values = {h: text[h].drop_nulls() for h in text.columns}

    def reads(self, heading: str, column: str, kind: Any) -> pl.Series:
        """The values as they would be read into a column; NULL where they would not."""
        return parsing.values_of(self.values[heading].alias(column), kind, self.base)

    def fit(self, heading: str, column: str, codes: set[str], taken: dict[tuple[str, str], float]) -> Fit | None:
        """How well a heading's values stand in a column; None where values tell nothing."""
        said, kind = self.values[heading], self.base.table.columns[column]
        if said.is_empty():
            return None
        if codes:
            plain = said.is_in([*TRUE, *FALSE]).all()  # answers to any question, not this column's own words
            return Fit(_share(said.is_in([*codes])), "code", SAYS["yes_or_no" if plain else "code"])
        if kind == pl.String:
            return self._text(heading, column)
        name = _kind(kind)
        key = (heading, name)
        if name == "number":
            number = self.reads(heading, column, kind)
            low, high = limits(self.base.table, column)
            good = number.is_not_null()
            for bound, holds in ((low, lambda b: number >= b), (high, lambda b: number <= b)):
                good = good & holds(bound).fill_null(False) if bound is not None else good
            return Fit(_share(good), name, SAYS[name])
        if key not in taken:
            good = self.reads(heading, column, kind).is_not_null()
            if name in ("day", "moment"):  # a number of eight digits may be a day, and mostly is none
                good = good & said.str.contains(r"\D|^(19|20)\d{6}$")
            if name == "moment":
                good = good & said.str.contains(r"[:时点]")
            if name == "yes_or_no" and said.str.contains(r"^\d+$").all():
                good = good & pl.Series([said.n_unique() == 2] * said.len())
            taken[key] = _share(good)
        return Fit(taken[key], name, SAYS[name])

    def _text(self, heading: str, column: str) -> Fit | None:
        said = self.values[heading]
        if column in self.known.texts or column == "company_id":
            there = _share(said.is_in([*self.known.texts.get(column, ())]))
            code = 0.0
            if column == "company_id":
                code = _share(said.to_frame("c").select(is_credit_code(pl.col("c")).fill_null(False)).to_series())
            if max(there, code) >= 0.3 or self.known.texts.get(column):
                return Fit(max(there, code), "credit_code" if code > there else "on_record", SAYS["on_record"])
            return None
        if self.base.table.key == (column,) and said.len() > 1:
            named = said.str.contains(r"\d") & ~said.str.contains(r"[:年月.]|^\d{4}-\d\d?-\d\d?")
            return Fit(_share(named) * said.n_unique() / said.len(), "distinct", SAYS["distinct"])
        return None


def _kind(kind: Any) -> str:
    if isinstance(kind, pl.Datetime):
        return "moment"
    return "day" if kind == pl.Date else "yes_or_no" if kind == pl.Boolean else "number"


def _share(good: pl.Series) -> float:
    return int(good.fill_null(False).sum()) / max(good.len(), 1)


def guesses(rows: pl.DataFrame, base: Source, sources: list[Source], known: OnRecord | None = None) -> dict[str, Guess]:
    """One guess per column of the table ``base`` fills.

    Args:
        rows: a file's first rows as text, one column per heading.
        base: the source the new mapping starts from.
        sources: those that fill the same table; their headings and labels are known words.
        known: what the registers hold.
    """
    columns, headings = list(base.table.columns), rows.columns
    if not headings:
        return {c: Guess(c, None, 0.0) for c in columns}
    names, usual = _names(columns, headings, [base, *sources])
    shapes, taken = Shapes(rows, base, known or OnRecord()), dict[tuple[str, str], float]()
    codes = {c: _words(base.table, [base, *sources], c) for c in columns}
    fits = [[shapes.fit(h, c, codes[c], taken) for h in headings] for c in columns]
    sure = np.array([[_confidence(names[i, j], f) for j, f in enumerate(line)] for i, line in enumerate(fits)])
    chosen = dict(zip(*(side.tolist() for side in linear_sum_assignment(sure, maximize=True)), strict=True))
    found = {}
    for i, column in enumerate(columns):
        best = chosen.get(i)
        ranked = sorted(range(len(headings)), key=lambda j: (-sure[i, j], j))
        others = tuple((headings[j], round(float(sure[i, j]), 2)) for j in ranked if j != best and sure[i, j] >= LEAST)
        if best is None or sure[i, best] < LEAST:
            found[column] = Guess(column, None, 0.0, (), others[:OTHERS])
            continue
        why = _reasons(names[i, best], usual[i][best], fits[i][best], headings[best])
        found[column] = Guess(column, headings[best], round(float(sure[i, best]), 2), why, others[:OTHERS])
    return found


def _names(columns: list[str], headings: list[str], sources: list[Source]) -> tuple[np.ndarray, list[list[str]]]:
    """Likeness (0 to 1, 0 below LIKE) of each column's accepted headings to each heading, and the accepted one meant."""
    words = [
        (c, a)
        for c in columns
        for a in dict.fromkeys([*(h for s in sources for h in s.columns.get(c, ())), *synonyms().get(c, ())])
    ]
    scores = process.cdist([even(a) for _, a in words], [even(h) for h in headings], scorer=fuzz.ratio)
    blank = np.array([not even(h) for h in headings])
    scores[:, blank] = 0
    of_column = np.array([columns.index(c) for c, _ in words])
    likeness = np.zeros((len(columns), len(headings)))
    meant = [[""] * len(headings) for _ in columns]
    for i in range(len(columns)):
        own = np.flatnonzero(of_column == i)
        if own.size:
            best = scores[own].argmax(axis=0)
            likeness[i] = scores[own].max(axis=0) / 100
            meant[i] = [words[own[b]][1] for b in best]
    return np.where(likeness >= LIKE / 100, likeness, 0.0), meant


def _words(table: Table, sources: list[Source], column: str) -> set[str]:
    codes = allowed(table, column)
    return {*codes, *labels(sources, column)} if codes else set()


def _confidence(name: float, fit: Fit | None) -> float:
    """From 0 to 1: likely where either name or values say so, and doubtful where the values do not fit the column."""
    if fit is None:
        return NAME_SAYS * name
    left = name * (EXACT_LEFT if name >= 0.999 else LIKE_LEFT)
    return max(left, fit.share * (1 - (1 - NAME_SAYS * name) * (1 - fit.says * fit.share)))


def _reasons(name: float, usual: str, fit: Fit | None, heading: str) -> tuple[Reason, ...]:
    said = []
    if name >= 0.999:
        said.append(Reason("same" if usual == heading else "known", {"usual": usual}))
    elif name:
        said.append(Reason("alike", {"usual": usual, "percent": round(100 * name)}))
    if fit is not None:
        said.append(Reason(fit.kind if fit.share >= 0.5 else "unfit", {"percent": round(100 * fit.share)}))
    return tuple(said)


def ranked(rows: pl.DataFrame, known: dict[str, Source], record: OnRecord | None = None) -> list[tuple[str, float]]:
    """Sources a new mapping may start from, the likeliest first: name, and from 0 to 1 how well the file would fill it."""
    found = []
    for base in known.values():
        alike = [s for s in known.values() if s.table.name == base.table.name and s.name != base.name]
        made = guesses(rows, base, alike, record)
        wanted = [c for c in needed(base.table) if c not in base.fixed and c not in base.derive and c not in base.make]
        named = [h for h in base.required_headings if h not in base.columns and h not in base.heading_of]
        got = sum(made[c].confidence for c in wanted) + sum(h in rows.columns for h in named)
        used = sum(g.confidence for g in made.values())
        share = got / max(len(wanted) + len(named), 1)
        found.append((base.name, round(0.6 * share + 0.4 * used / max(len(rows.columns), 1), 3)))
    return sorted(found, key=lambda f: (-f[1], f[0]))
