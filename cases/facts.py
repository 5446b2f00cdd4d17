"""What the grounds of the ladder are read from: one row per current unit of a level, with everything a trigger asks."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from cases.improving import improved
from cases.standing import standing
from cases.streaks import halves_in_a_row, ordinal_of, quarters_in_a_row, rated_quarters
from cases.triggers import FAILING, LOW, TOP
from metrics.calendar import Quarter
from rules.book import Book, Rule


@dataclass(frozen=True)
class Given:
    """What the ladder was given, narrowed to one level of units."""

    scores: pl.DataFrame
    metric_scores: pl.DataFrame
    duties: pl.DataFrame
    sanctions: pl.DataFrame
    flags: pl.DataFrame
    robustness: pl.DataFrame
    book: Book
    last: Quarter
    level: str
    key: list[str]

    @property
    def rule(self) -> Rule:
        return self.book.on(self.last.last, "ladder")

    @property
    def now(self) -> pl.DataFrame:
        """Units that stand on the period's last day."""
        return self.scores.filter(pl.col("period") == str(self.last))


def _kinds(given: Given) -> pl.DataFrame:
    """Kinds of evidence per unit: sub-indices below the line, or with an unmet duty; ``low_subindices`` the former.

    Outcomes and satisfaction (``never_suffice``) are left out before the sub-index is read, and so is every metric
    on which the unit has no record of its own.
    """
    rule, day = given.rule, given.last.last
    names = given.metric_scores["metric"].unique().to_list()
    held = {n: given.book.metric(day, n) for n in names}
    of_metric = {n: rule_of["subindex"] for n, rule_of in held.items() if rule_of["weight"] > 0}
    known = (pl.col("state") == "measured") & (pl.col("weight") > 0) & ~pl.col("metric").is_in(rule["never_suffice"])
    own = given.metric_scores.filter(
        known & (pl.col("level") == given.level) & (pl.col("period") == str(given.last))
    ).with_columns(subindex=pl.col("metric").replace_strict(of_metric, default=None, return_dtype=pl.String))
    points = (pl.col("points") * pl.col("weight")).sum() / pl.col("weight").sum()
    low = own.group_by("unit_id", "subindex").agg(points=points).filter(pl.col("points") < rule["evidence_below"])
    unmet = _unmet_now(given).select("unit_id", "subindex", is_low=pl.lit(False))
    both = pl.concat([low.select("unit_id", "subindex", is_low=pl.lit(True)), unmet])
    return both.group_by("unit_id").agg(
        kinds=pl.col("subindex").n_unique().cast(pl.Int64), low_subindices=pl.col("is_low").sum().cast(pl.Int64)
    )


def _lowest(given: Given) -> pl.DataFrame:
    """``lowest_subindex``: points of each unit's weakest sub-index."""
    rows = given.metric_scores.filter(
        (pl.col("level") == given.level) & (pl.col("period") == str(given.last)) & (pl.col("weight") > 0)
    )
    day = given.last.last
    of_metric = {n: given.book.metric(day, n)["subindex"] for n in rows["metric"].unique().to_list()}
    rows = rows.with_columns(subindex=pl.col("metric").replace_strict(of_metric, default=None, return_dtype=pl.String))
    subs = rows.group_by("unit_id", "subindex").agg(points=(pl.col("points") * pl.col("weight")).sum())
    return subs.group_by("unit_id").agg(lowest_subindex=pl.col("points").min())


def _said_by_chance(given: Given) -> pl.DataFrame:
    """Flags of the period, and ``robust``: the share of variants of the method that put the unit below the line too."""
    own = (pl.col("level") == given.level) & (pl.col("period") == str(given.last))
    flags = given.flags.filter(own).select("unit_id", "selected", "selected_top", "stage", p="p_below", top_p="p_above")
    robust = given.robustness.filter(own).select("unit_id", robust="share_below")
    return flags.join(robust, on="unit_id", how="left")


def _unmet_now(given: Given) -> pl.DataFrame:
    return given.duties.filter((pl.col("level") == given.level) & (pl.col("period") == str(given.last)))


def _unmet(given: Given) -> pl.DataFrame:
    """Per unit: duties missed and hazards overdue now, and ``unmet``, rows of any kind in the look-back."""
    now = (
        _unmet_now(given)
        .group_by("unit_id")
        .agg(
            missed=pl.col("metric").filter(pl.col("kind") == "missed").sort(),
            overdue=pl.col("count").filter(pl.col("kind") == "overdue_hazard").sum(),
            notices=pl.col("count").filter(pl.col("kind") == "overdue_notice").sum(),
            major=pl.col("count").filter(pl.col("kind") == "major_hazard").sum(),
        )
    )
    ever = given.duties.filter(pl.col("level") == given.level).group_by("unit_id").agg(unmet=pl.len().cast(pl.Int64))
    return ever.join(now, on="unit_id", how="left")


def _last_clean(given: Given, rated: pl.DataFrame) -> pl.DataFrame:
    """First day of each unit's newest clean quarter, where the last ``attention_ends_after`` such were clean."""
    year, number = pl.col("ordinal") // 4, pl.col("ordinal") % 4
    clean = rated.filter(pl.col("band").is_in(["excellent", "good"])).with_columns(
        clean_from=pl.date(year, number * 3 + 1, 1)
    )
    need = given.rule["attention_ends_after"]
    return clean.group_by("unit_id").agg(pl.col("clean_from").top_k(need)).filter(
        pl.col("clean_from").list.len() >= need
    ).with_columns(pl.col("clean_from").list.min())  # fmt: skip


def facts_of(given: Given) -> pl.DataFrame:
    """One row per current unit with everything the triggers read."""
    rule, last = given.rule, given.last
    rated = rated_quarters(given.scores, last)
    halves = rule["half_year_quarters"]
    look_back = rule["commendation_half_years"] * halves
    capped = (
        rated.filter(pl.col("ordinal") > ordinal_of(last) - look_back)
        .group_by(given.key)
        .agg(capped=pl.col("cap").is_not_null().any())
    )
    now = given.now
    parts = [
        quarters_in_a_row(rated, given.key, FAILING, last, "failing"),
        quarters_in_a_row(rated, given.key, LOW, last, "low"),
        halves_in_a_row(rated, given.key, FAILING, last, halves, "failing_halves"),
        halves_in_a_row(rated, given.key, TOP, last, halves, "top_halves"),
        capped,
    ]
    for part in parts:
        now = now.join(part, on=given.key, how="left")
    units = now.select("unit_id", "estate_id", "company_id", "head_id").unique()
    clean = _last_clean(given, rated)
    better = improved(given.scores, rule, last)
    others = (_kinds(given), _lowest(given), _unmet(given), _said_by_chance(given), better)
    for part in (*others, standing(given.sanctions, units, clean, rule, last)):
        now = now.join(part, on="unit_id", how="left")
    counts = (
        "failing",
        "low",
        "failing_halves",
        "top_halves",
        "kinds",
        "low_subindices",
        "overdue",
        "notices",
        "major",
    )
    findings = pl.col("cap_reason").fill_null("").str.split(",")
    return now.with_columns(
        *(pl.col(n).fill_null(0) for n in (*counts, "unmet")),
        pl.col("missed").fill_null(pl.lit([], dtype=pl.List(pl.String))),
        pl.col("capped").fill_null(False),
        rated=pl.col("state") == "rated",
        score=shown(pl.col("final")),
        free=findings.list.set_intersection(rule["skip_findings"]).list.len() > 0,
        grave=findings.list.set_intersection(rule["grave_findings"]).list.len() > 0,
    )


def shown(score: pl.Expr) -> pl.Expr:
    """A score with one decimal, cut and not rounded: 59.96 is never shown as the 60 it does not reach."""
    return ((score * 10 + 1e-9).floor() / 10).round(1)
