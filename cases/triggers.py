"""The grounds for each step: what must hold for it to be considered (rules/ladder.toml, domain.md section 11).

A rule reads the scores in one of two ways. ``probability`` (method.md section 10): how sure it is that the index lies
below the pass mark, for how long, on what fresh evidence. ``bands``: quarters and half-years spent in a band, after the
analogues of other cities. Duties missed, hazards past their deadline and grave findings are facts and ground a step
either way.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from rules.book import Rule

IMPROVED = ("since", "gain", "gain_lo", "gain_hi", "improved_p")
FAILING, LOW, TOP = ("failing",), ("failing", "attention"), ("excellent",)


@dataclass(frozen=True)
class Trigger:
    """One ground for one step.

    Attributes:
        step: the step it opens.
        reason: word key below ``due.``.
        holds: true where the ground is given, over the facts of one unit.
        params: columns whose values the sentence names, beside ``period`` and ``score``.
        nobody: also for an estate without a company; its sub-district is addressed (rule 10).
        p: the column with the probability the ground rests on; None = a fact.
    """

    step: str
    reason: str
    holds: pl.Expr
    params: tuple[str, ...] = ()
    nobody: bool = False
    p: str | None = None


def by_probability(rule: Rule) -> bool:
    """Whether the rule reads probabilities, not bands."""
    return rule["reading"] == "probability"


def two_kinds(rule: Rule) -> pl.Expr:
    """Two independent kinds of evidence, at least one of them a low sub-index (rule 2)."""
    return (pl.col("kinds") >= rule["evidence_kinds"]) & (pl.col("low_subindices") >= 1)


def of_head(rule: Rule) -> list[Trigger]:
    """The one ground for recommending that an office head be replaced."""
    if by_probability(rule):
        sure = pl.col("selected") & (pl.col("stage") == "replacement") & (pl.col("robust") >= rule["robust_share"])
        return [Trigger("replacement", "surely_failing_head", sure & two_kinds(rule), ("p", "robust", "kinds"), p="p")]
    halves = pl.col("failing_halves") >= rule["replacement_half_years"]
    holds = halves & (pl.col("failing") > 0) & two_kinds(rule)
    return [Trigger("replacement", "same_head_half_years", holds, ("failing_halves", "kinds"))]


def of_unit(rule: Rule) -> list[Trigger]:
    """All grounds at an estate; per step the one to be named first stands first."""
    sure = _of_probability(rule) if by_probability(rule) else _of_bands(rule)
    return [*_grave(rule), *sure, *_duties()]


def _grave(rule: Rule) -> list[Trigger]:
    """Facts that ground a public step; named before what the score says."""
    c, kinds = pl.col, two_kinds(rule)
    return [
        Trigger("listing", "major_hazard_overdue", c("major") > 0, ("major",)),
        Trigger("listing", "notice_overdue", (c("notices") > 0) & kinds, ("notices", "kinds")),
        Trigger("interview", "grave_finding", c("grave") & kinds, ("cap_reason", "kinds")),
        Trigger("interview", "listing_past_due", c("past_due_on").is_not_null() & kinds, ("past_due_on", "kinds")),
    ]


def _duties() -> list[Trigger]:
    """Facts that ground a reminder."""
    missed, overdue = pl.col("missed").list.len() > 0, pl.col("overdue") > 0
    return [
        Trigger("attention", "duty_missed", missed, ("missed",), nobody=True),
        Trigger("attention", "hazard_overdue", overdue, ("overdue",), nobody=True),
    ]


def _of_probability(rule: Rule) -> list[Trigger]:
    c, kinds = pl.col, two_kinds(rule)
    # a stage outlasts the chance that opened it, so that one better quarter ends no listing; it opens no new step by itself
    listed = c("selected") & c("stage").is_in(["listing", "interview", "replacement"])
    talked = listed & (c("stage") != "listing") & (c("robust") >= rule["robust_share"])
    clean = ~c("adverse") & ~c("commended") & ~c("capped") & (c("unmet") == 0)
    top = c("selected_top") & (c("lowest_subindex") >= rule["top_subindex"]) & clean
    better = c("best_improver") & c("band").is_in(["excellent", "good"]) & clean
    return [
        Trigger("attention", "surely_failing", c("selected"), ("p",), nobody=True, p="p"),
        Trigger("listing", "surely_failing_again", listed & kinds, ("p", "kinds"), p="p"),
        Trigger("interview", "surely_failing_long", talked & kinds, ("p", "robust", "kinds"), p="p"),
        Trigger("commendation", "surely_top", top, ("top_p",), p="top_p"),
        Trigger("commendation", "surely_improved", better, IMPROVED, p="improved_p"),
    ]


def _of_bands(rule: Rule) -> list[Trigger]:
    c, kinds = pl.col, two_kinds(rule)
    failing, failing_halves = c("failing"), c("failing_halves") >= rule["interview_half_years"]
    named = ("failing", "kinds")
    top = (
        (c("top_halves") >= rule["commendation_half_years"]) & c("band").is_in(TOP)
        & ~c("adverse") & ~c("commended") & ~c("capped") & (c("unmet") == 0)
    )  # fmt: skip
    return [
        Trigger("attention", "failing", failing >= rule["attention_failing"], ("failing",), nobody=True),
        Trigger("attention", "low_quarters", c("low") >= rule["attention_low"], ("low",), nobody=True),
        Trigger("listing", "failing_quarters", (failing >= rule["listing_failing"]) & kinds, named),
        Trigger("interview", "failing_long", (failing >= rule["interview_failing"]) & kinds, named),
        Trigger("interview", "failing_half_year", failing_halves & (failing > 0) & kinds, ("kinds",)),
        Trigger("commendation", "top_half_years", top, ("top_halves",)),
    ]


def reasons(rule: Rule) -> set[str]:
    """Every reason a row may carry: a word below ``due.`` each."""
    held_back = {"not_rated", "provisional", "objection_open", "step_stands", "nothing_due"}
    company = "company_surely_top" if by_probability(rule) else "company_top_half_years"
    watched = {"watched", "watched_rising"} if by_probability(rule) else set()
    return {t.reason for t in (*of_unit(rule), *of_head(rule))} | held_back | watched | {company}


def steps(rule: Rule) -> set[str]:
    """Every step the ladder can give."""
    return {t.step for t in (*of_unit(rule), *of_head(rule))} | {"none"}
