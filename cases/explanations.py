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


def _name(row: dict, t: Words) -> str:
    return row[f"name_{t.language}"] or row["name_zh"] or row["estate_id"]


def names_of(parts: pl.DataFrame, t: Words) -> dict[str, str]:
    """``unit_id`` to the name of its estate.

    Args:
        parts: ``parts_of_company``.
    """
    return {r["unit_id"]: _name(r, t) for r in parts.iter_rows(named=True)}


def company_change(now: dict, parts: pl.DataFrame, then: dict, then_parts: pl.DataFrame) -> pl.DataFrame:
    """Why a company's score moved, ``item, points``: a line for each unit, the mix of its units, the worst fifth's guard.

    A unit adds its mean share of the weight times what its own score moved; what entered, left or came to weigh more or less is
    one line. They sum to the change exactly (two-factor Shapley, as weights in method.md 12). Units with 80 and 60, half each,
    then 84, 60 and a third with 50 by .4, .4, .2: the mean goes 70 to 67.6; .45 x 4 = 1.8 for the first, the mix
    -.1 x 82 - .1 x 60 + .2 x 50 = -4.2.

    Args:
        now, then: rows of ``company_scores``, with a score. parts, then_parts: ``parts_of_company``, all its units.
    """

    def of(rows: pl.DataFrame) -> pl.DataFrame:
        rows = rows.filter(pl.col("share") > 0)
        return rows.select("unit_id", "share", score=100 - pl.col("points_lost") / pl.col("share"))

    both = of(parts).join(of(then_parts), on="unit_id", how="full", coalesce=True, suffix="_then").sort("unit_id")
    share, before = pl.col("share").fill_null(0), pl.col("share_then").fill_null(0)
    score, earlier = pl.coalesce("score", "score_then"), pl.coalesce("score_then", "score")
    both = both.select(
        item="unit_id", points=(share + before) / 2 * (score - earlier), mix=(share - before) * (score + earlier) / 2
    )
    guard = (now["final"] - now["mean"]) - (then["final"] - then["mean"])
    beside = pl.DataFrame({"item": ["mix", "guard"], "points": [float(both["mix"].sum()), guard]})
    return pl.concat([both.select("item", "points"), beside])


def _company_moved(company: dict, then: dict, lines: pl.DataFrame, names: dict[str, str], sure: float, t: Words) -> str:
    row = pl.DataFrame(
        {"final": [company["final"]], "sd": [company["sd"]], "then_final": [then["final"]], "then_sd": [then["sd"]]}
    )
    moved = company["final"] - then["final"]
    main = mover(lines.select("item", "points").rows(), moved)
    if None in row.row(0) or not reliable(row, sure) or main is None:
        return t("told.no_change", points=f"{moved:+.1f}")
    item = names[main[0]] if main[0] in names else t(f"change.{main[0]}")
    return t(
        "told.rose" if moved > 0 else "told.fell", points=f"{abs(moved):.1f}", item=item, most=f"{abs(main[1]):.1f}"
    )


def company_sentence(
    company: dict, parts: pl.DataFrame, t: Words, then: tuple[dict, pl.DataFrame, float] | None = None
) -> str:
    """Why one company's score is what it is, and why it moved.

    Args:
        company: its row of ``company_scores``; must be rated.
        parts: ``parts_of_company``, costliest first: all its units, or those the viewer may see.
        then: the same two of the quarter before, of a viewer who sees all units, and the index rule's ``change_sure``;
            None = nothing is said of the change.
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
        name = _name(worst, t)
        whole = parts.height == company["units_rated"]
        key = "told.costliest" if whole else "told.costliest_seen"
        said.append(t(key, estate=name, points=f"{worst['points_lost']:.1f}", lost=f"{100 - company['mean']:.1f}"))
    if then is not None:
        before, then_parts, sure = then
        lines = company_change(company, parts, before, then_parts)
        said.append(_company_moved(company, before, lines, names_of(pl.concat([then_parts, parts]), t), sure, t))
    return t("told.join").join(said)
