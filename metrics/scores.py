"""Scores: from what is known of each unit to points, sub-indices, the index, bands and ranks (method.md sections 3, 4, 7).

A score is worked out for every unit that has any points; it is *rated* only on enough evidence and where its draws tell
the units of its class apart (reliability), *provisional* where they half do. Only what is rated has a band and a rank:
missing is not bad. Tables: contracts MetricScore, SubindexScore and IndexScore.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from data.edition_tables import VALUE_STATES
from metrics.certainty import LOW, Ways, certainty_of
from metrics.grid import BLOCK, UNIT, Grid, by_blocks
from metrics.index import FULL, Membership, power_mean, shares
from metrics.points import utility
from metrics.priors import Priors, posterior
from metrics.terms import Terms
from rules.book import Rule

MEASURED, NOT_APPLICABLE, NOT_COLLECTED, WITHHELD = range(len(VALUE_STATES))
UNMANAGED = "NP"  # estate class without a company: nobody's company score may rest on it


@dataclass(frozen=True)
class Cells:
    """One number per unit and metric, (U, J), and per unit; NaN = none.

    Attributes:
        state: place in VALUE_STATES.
        raw: the bare record. estimate: after the pull to the class.
        points: of the estimate. own_points: of the bare record.
        share: of the sub-index, after what does not apply is dropped; 0 = shown, not scored.
        lost: index points below a full score. gap: index points above (+) or below (-) the class level. Both exact.
        subindices, sub_share, sub_lost: (U, K) points, weight in the index, index points lost. score, own_score: (U,) the index, and what the bare record alone would give.
    """

    state: np.ndarray
    raw: np.ndarray
    estimate: np.ndarray
    points: np.ndarray
    own_points: np.ndarray
    share: np.ndarray
    lost: np.ndarray
    gap: np.ndarray
    subindices: np.ndarray
    sub_share: np.ndarray
    sub_lost: np.ndarray
    score: np.ndarray
    own_score: np.ndarray


def value_states(grid: Grid, terms: Terms, collected: np.ndarray) -> np.ndarray:
    """(U, J) place in VALUE_STATES (method.md section 7).

    A duty nobody had to meet yet does not apply: an obligation without a row, where others of the period have theirs.

    Args:
        collected: (P, J) whether anybody was measured in the period.
    """
    not_asked = ~grid.applies | ((terms.family == "obligation") & collected[grid.period])
    missing = np.where(not_asked, NOT_APPLICABLE, NOT_COLLECTED)
    state = np.where(measured(grid, terms), MEASURED, missing)
    return np.where(grid.withheld & grid.applies, WITHHELD, state).astype(np.int8)


def measured(grid: Grid, terms: Terms) -> np.ndarray:
    """(U, J) whether there is evidence, or its absence is itself a fact (``when_empty``)."""
    return grid.applies & ((grid.e > 0) | ~np.isnan(terms.when_empty))


def collected_by_period(grid: Grid, terms: Terms) -> np.ndarray:
    """(P, J) whether anybody was measured in the period."""
    out = np.zeros(terms.in_force.shape, dtype=bool)
    for start in range(0, len(grid.period), BLOCK):
        part = grid.block(slice(start, start + BLOCK))
        np.logical_or.at(out, part.period, measured(part, terms))
    return out


def class_points(grid: Grid, points: np.ndarray, state: np.ndarray) -> np.ndarray:
    """(G, J) mean points of the measured estates of each class; NaN where there are none."""
    rows, groups = grid.estates()
    seen = (state[rows] == MEASURED) & ~np.isnan(points[rows])
    total, count = groups.total(np.where(seen, points[rows], 0.0)), groups.total(seen.astype(float))
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def points_of(grid: Grid, terms: Terms, priors: Priors, collected: np.ndarray) -> dict[str, np.ndarray]:
    """State, bare record, estimate and the points of both, of every cell: (U, J) each, as named in ``Cells``."""
    state, known = value_states(grid, terms, collected), posterior(grid, terms, priors)
    posts = terms.posts[:, grid.period]
    raw = np.where((state == MEASURED) | (state == WITHHELD), known.raw, np.nan)
    estimate = np.where(state == NOT_APPLICABLE, np.nan, known.estimate)
    points, own_points = (grid.held(utility(x, *posts)) for x in (estimate, raw))
    estimate = np.where(state == WITHHELD, np.nan, estimate)  # nothing is estimated: the points are a fact
    return {"state": state, "raw": raw, "estimate": estimate, "points": points, "own_points": own_points}


def _index(grid: Grid, terms: Terms, points: np.ndarray, own: np.ndarray, peers: np.ndarray, rule: Rule) -> dict:
    rho, floor = rule["rho"], rule["floor"]
    member = membership(grid, terms)
    points, own = (np.where(member.weight > 0, x, np.nan) for x in (points, own))
    share, peers = member.share(points), peers[grid.group]
    subindices = member.subindices(points, share)
    lost = member.moved(points, np.where(np.isnan(points), np.nan, FULL), share, rho, floor)
    return {
        "share": share,
        "lost": lost,
        "sub_share": shares(member.sub_weight, ~np.isnan(subindices)),
        "sub_lost": member.totals(np.nan_to_num(lost)),
        "gap": member.moved(points, np.where(np.isnan(peers), points, peers), share, rho, floor),
        "subindices": subindices,
        "score": power_mean(subindices, member.sub_weight, rho, floor),
        "own_score": power_mean(member.subindices(own, member.share(own)), member.sub_weight, rho, floor),
    }


def membership(grid: Grid, terms: Terms) -> Membership:
    """Sub-index and weight of every cell, as in force in the row's period."""
    period = grid.period
    return Membership(terms.subindex[period], terms.weight[period], terms.sub_weight[period])


def cells_of(grid: Grid, terms: Terms, priors: Priors, rule: Rule) -> Cells:
    """Estimates, points and contributions of every cell, and every unit's index before caps."""
    rows, collected = len(grid.period), collected_by_period(grid, terms)
    made = by_blocks(rows, lambda part: points_of(grid.block(part), terms, priors, collected))
    points, own = made["points"], made["own_points"]
    peers = class_points(grid, points, made["state"])
    index = by_blocks(rows, lambda part: _index(grid.block(part), terms, points[part], own[part], peers, rule))
    return Cells(**made, **index)


def _evidence(grid: Grid, terms: Terms, state: np.ndarray) -> dict[str, np.ndarray]:
    overall = terms.overall[grid.period]
    counted = ((state == MEASURED) | (state == WITHHELD)) & (overall > 0)  # who withholds is not spared a rating by it
    applicable = np.where(state != NOT_APPLICABLE, overall, 0.0).sum(axis=1)
    covered = np.where(counted, overall, 0.0).sum(axis=1)
    with_records = counted & (grid.records > 0)
    by_source = [with_records[:, terms.source == s].any(axis=1) for s in sorted(set(terms.source))]
    return {
        "coverage": np.divide(covered, applicable, out=np.zeros_like(covered), where=applicable > 0),
        "sources": np.sum(by_source, axis=0, dtype=np.int64),
        "records": np.where(overall > 0, grid.records, 0).sum(axis=1),
    }


def evidence_of_units(grid: Grid, terms: Terms, state: np.ndarray) -> pl.DataFrame:
    """``coverage`` (share of applicable weight measured), ``sources`` (independent ones with records), ``records``.

    A measured metric without one record (no case in a year) covers its weight, but is no source of evidence.
    """
    return pl.DataFrame(by_blocks(len(grid.period), lambda part: _evidence(grid.block(part), terms, state[part])))


def why_not_rated(rule: Rule) -> pl.Expr:
    """Comma-joined reasons why a unit is not rated (word keys below ``not_rated.``); NULL where it is rated."""
    least_days = pl.when(pl.col("level") == "head").then(rule["head_min_days"]).otherwise(rule["tenure_min_days"])
    reasons = {
        "no_company": (pl.col("level") != "estate") & (pl.col("estate_class") == UNMANAGED),
        "not_inspected": ~pl.col("inspected"),
        "few_sources": pl.col("sources") < rule["sources_min"],
        "low_coverage": (pl.col("coverage") < rule["coverage_min"]) | pl.col("score").is_null(),
        "short_tenure": pl.col("in_charge_days") < least_days,
    }
    parts = [pl.when(test.fill_null(False)).then(pl.lit(code)) for code, test in reasons.items()]
    joined = pl.concat_str(parts, separator=",", ignore_nulls=True)
    return pl.when(joined != "").then(joined)


def band_of(score: pl.Expr, rule: Rule) -> pl.Expr:
    """The best band whose least score is reached (a bound belongs to the band above)."""
    band = pl.lit(None, dtype=pl.String)
    for name, least in sorted(rule["bands"].items(), key=lambda item: item[1]):
        band = pl.when(score >= least).then(pl.lit(name)).otherwise(band)
    return band


def placed(rows: pl.DataFrame, group: list[str], rank: str, size: str) -> pl.DataFrame:
    """Add the place of ``final`` among rated, current rows of ``group`` (1 = best, ties share it) and their number."""
    counted = pl.when((pl.col("state") == "rated") & pl.col("current")).then(pl.col("final").round(9))
    place = counted.rank("min", descending=True).over(group).cast(pl.Int64)
    number = counted.count().over(group).cast(pl.Int64)
    return rows.with_columns(place.alias(rank), pl.when(counted.is_not_null()).then(number).alias(size))


def with_states(rows: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Add ``state``; where evidence would do and the score is still too unsure, the reason ``low_reliability``."""
    reasons, sure = pl.col("why_not_rated"), pl.col("reliability").fill_null(0.0)
    unsure = pl.when(reasons.is_null() & (sure < rule["reliability_provisional"])).then(pl.lit("low_reliability"))
    rows = rows.with_columns(why_not_rated=pl.coalesce(reasons, unsure))
    state = (
        pl.when(pl.col("why_not_rated").is_not_null()).then(pl.lit("not_rated"))
        .when(sure < rule["reliability_rated"]).then(pl.lit("provisional"))
        .otherwise(pl.lit("rated"))
    )  # fmt: skip
    return rows.with_columns(state=state)


def capped(rows: pl.DataFrame, low: Rule | None) -> pl.DataFrame:
    """Add the caps on what is surely low to those of findings, and ``final``: the score, no higher than any cap."""
    if low is not None:
        held = [pl.when(code).then(pl.lit(float(low[code]["cap"]))) for code in LOW]
        named = [pl.when(code).then(pl.lit(code)) for code in LOW]
        reason = pl.concat_str("cap_reason", *named, separator=",", ignore_nulls=True)
        rows = rows.with_columns(cap=pl.min_horizontal("cap", *held), cap_reason=pl.when(reason != "").then(reason))
    return rows.with_columns(final=pl.when(pl.col("score").is_not_null()).then(pl.min_horizontal("score", "cap")))


def index_frame(
    grid: Grid, terms: Terms, ways: Ways, evidence: pl.DataFrame, cells: Cells, caps: pl.DataFrame
) -> pl.DataFrame:
    """Contract IndexScore, and the columns of the units frame."""
    rule = ways.rule
    rows = pl.concat([grid.units, evidence], how="horizontal").with_columns(
        score=pl.Series(cells.score).fill_nan(None), own_score=pl.Series(cells.own_score).fill_nan(None)
    )
    rows = rows.join(caps, on=UNIT, how="left", maintain_order="left").with_columns(why_not_rated=why_not_rated(rule))
    ready = rows.select(pl.col("why_not_rated").is_null() & pl.col("current")).to_series().to_numpy()
    cap = rows.get_column("cap").cast(pl.Float64).fill_null(np.nan).to_numpy()
    sure = certainty_of(grid, terms, cells, cap, ready, ways)
    rows = capped(pl.concat([rows, sure], how="horizontal"), ways.low)
    rows = with_states(rows, rule)
    rows = rows.with_columns(band=pl.when(pl.col("state") == "rated").then(band_of(pl.col("final"), rule)))
    rows = placed(rows, ["level", "period", "estate_class"], "rank_in_class", "class_size")
    rows = rows.with_columns(
        rank_lo=pl.min_horizontal("rank_lo", "rank_in_class"), rank_hi=pl.max_horizontal("rank_hi", "rank_in_class")
    )
    return placed(rows, ["level", "period"], "rank_overall", "overall_size")


def metric_frame(grid: Grid, terms: Terms, cells: Cells) -> pl.DataFrame:
    """Contract MetricScore: one row per unit, period and applicable metric."""
    u, j = np.nonzero(grid.applies)
    columns = {
        "raw": cells.raw, "estimate": cells.estimate, "points": cells.points, "own_points": cells.own_points,
        "weight": cells.share, "points_lost": cells.lost, "gap_to_class": cells.gap,
    }  # fmt: skip
    numbers = {name: pl.Series(x[u, j]).fill_nan(None) for name, x in columns.items()}
    return grid.units.select(*UNIT, "estate_id")[u].with_columns(
        metric=pl.Series(terms.names)[j],
        state=pl.Series(VALUE_STATES)[cells.state[u, j]],
        records=grid.records[u, j],
        exposure=grid.e[u, j],
        **numbers,
    )


def subindex_frame(grid: Grid, terms: Terms, cells: Cells) -> pl.DataFrame:
    """Contract SubindexScore: one row per unit, period and sub-index that has any points."""
    u, k = np.nonzero(~np.isnan(cells.subindices))
    return grid.units.select(UNIT)[u].with_columns(
        subindex=pl.Series(terms.subindices)[k],
        points=cells.subindices[u, k],
        weight=cells.sub_share[u, k],
        points_lost=cells.sub_lost[u, k],
    )


def rescored(grid: Grid, part: Grid, terms: Terms, priors: Priors, rule: Rule) -> tuple[np.ndarray, np.ndarray]:
    """Points (rows, J) and index (rows,) before caps of some units with other sums, all else as published.

    Args:
        grid: everybody, as published. part: the units concerned, with their other sums.
    """
    points = points_of(part, terms, priors, collected_by_period(grid, terms))["points"]
    member = membership(part, terms)
    counted = np.where(member.weight > 0, points, np.nan)
    subindices = member.subindices(counted, member.share(counted))
    return points, power_mean(subindices, member.sub_weight, rule["rho"], rule["floor"])


def frames(grid: Grid, terms: Terms, cells: Cells, caps: pl.DataFrame, ways: Ways) -> dict[str, pl.DataFrame]:
    """``metric_scores``, ``subindex_scores``, ``index_scores``, rows in the grid's order.

    Args:
        grid: units by metrics; its units frame carries ``inspected`` (a routine on-site inspection in time).
        cells: of the same grid (``cells_of``).
        caps: ``level, unit_id, period, cap, cap_reason`` (``metrics.caps.in_force``).
        ways: priors and rules (``metrics.certainty.Ways``).
    """
    evidence = evidence_of_units(grid, terms, cells.state)
    return {
        "metric_scores": metric_frame(grid, terms, cells),
        "subindex_scores": subindex_frame(grid, terms, cells),
        "index_scores": index_frame(grid, terms, ways, evidence, cells, caps),
    }


def score(grid: Grid, terms: Terms, caps: pl.DataFrame, ways: Ways) -> dict[str, pl.DataFrame]:
    """Score every unit: ``cells_of`` and ``frames``."""
    return frames(grid, terms, cells_of(grid, terms, ways.priors, ways.rule), caps, ways)
