"""One plain sentence on why a score is what it is and why it moved. What it names is the largest there is.

The numbers come from the edition's exact contributions; the sentence only picks and words them.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from i18n.words import Words
from metrics.calendar import Quarter
from metrics.flags import chance_above

NAMED = 2  # metrics named for what they cost
SHOWN = 0.05  # points; a smaller number would be shown as 0.0
LINES = ("weights", "cap")


def costliest(lost: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """The few metrics that cost the index most; ``lost`` holds points lost as negative numbers."""
    ordered = sorted((row for row in lost if row[1] < -SHOWN), key=lambda row: (row[1], row[0]))
    return ordered[:NAMED]


def mover(lines: list[tuple[str, float]], change: float) -> tuple[str, float] | None:
    """The line that did most to move the score the way it moved."""
    along = [(item, points) for item, points in lines if points * change > 0]
    return max(along, key=lambda row: (abs(row[1]), row[0]), default=None)


def reliable(change: pl.DataFrame, sure: float) -> bool:
    """Whether the score surely moved the way it seems to: P(change has that sign) >= ``sure`` (method.md section 12).

    Args:
        change: ``data.queries.reasons.change_of``.
    """
    final, sd, then, then_sd = (
        np.array([change[name][0]], dtype=float) for name in ("final", "sd", "then_final", "then_sd")
    )
    rose = float(chance_above(final, sd, then, then_sd)[0])
    return max(rose, 1 - rose) >= sure


def item_word(item: str, t: Words) -> str:
    """A line of a change in words: a metric, or what stands beside the metrics."""
    return t(f"change.{item}") if t.has(f"change.{item}") else t(f"metric.{item}.name")


def estate_sentence(unit: dict, lost: list[tuple[str, float]], change: pl.DataFrame, sure: float, t: Words) -> str:
    """Why one unit's score is what it is, and why it moved.

    Args:
        unit: its row of ``index_scores``; must have a score.
        lost: metric and index points lost (negative). change: ``change_of``, may be empty. sure: of the index rule.
    """
    quarter = Quarter.parse(unit["period"])
    said = [t("told.score", year=quarter.year, quarter=quarter.number, score=f"{unit['final']:.1f}")]
    if unit["cap"] is not None and unit["final"] < unit["score"]:
        reasons = t("told.and").join(t(f"ladder.finding.{code}") for code in unit["cap_reason"].split(","))
        said.append(t("told.capped", cap=f"{unit['cap']:.0f}", reasons=reasons))
    named = [t("told.item", name=t(f"metric.{m}.name"), points=f"{-x:.1f}") for m, x in costliest(lost)]
    said.append(t("told.lost", items=t("told.and").join(named)) if named else t("told.nothing_lost"))
    if change.height:
        said.append(_change_sentence(change, sure, t))
    return t("told.join").join(said)


def _change_sentence(change: pl.DataFrame, sure: float, t: Words) -> str:
    moved = change["final"][0] - change["then_final"][0]
    size = f"{abs(moved):.1f}"
    if not reliable(change, sure):
        return t("told.no_change", points=f"{moved:+.1f}")
    lines = change.filter(pl.col("part") == "metric").select("item", "points").rows()
    main = mover(lines, moved)
    way = "told.rose" if moved > 0 else "told.fell"
    return (
        t(way, points=size, item=item_word(main[0], t), most=f"{abs(main[1]):.1f}")
        if main
        else t("told.no_change", points=size)
    )


def company_sentence(company: dict, parts: pl.DataFrame, t: Words) -> str:
    """Why one company's score is what it is.

    Args:
        company: its row of ``company_scores``; must be rated.
        parts: ``parts_of_company``, costliest first: all its units, or those the viewer may see.
    """
    quarter = Quarter.parse(company["period"])
    said = [
        t("told.company", year=quarter.year, quarter=quarter.number, score=f"{company['final']:.1f}",
          units=company["units_rated"])
    ]  # fmt: skip
    if company["mean"] - company["final"] > SHOWN:
        said.append(t("told.guarded", points=f"{company['mean'] - company['final']:.1f}"))
    if parts.height:
        worst = parts.row(0, named=True)
        name = worst[f"name_{t.language}"] or worst["name_zh"] or worst["estate_id"]
        whole = parts.height == company["units_rated"]
        key = "told.costliest" if whole else "told.costliest_seen"
        said.append(t(key, estate=name, points=f"{worst['points_lost']:.1f}", lost=f"{100 - company['mean']:.1f}"))
    return t("told.join").join(said)
