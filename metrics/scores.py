"""Scores: from each unit's cells to what is rated, bands and ranks, as the tables of an edition (method.md sections 4, 7).

A score is worked out for every unit that has any points; it is *rated* only on enough evidence and where its draws tell
the units of its class apart (reliability), *provisional* where they half do. Only what is rated has a band and a rank:
missing is not bad. Tables: contracts MetricScore, SubindexScore and IndexScore.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from data.edition_tables import VALUE_STATES
from metrics.cells import MEASURED, NOT_APPLICABLE, WITHHELD, Cells, cells_of
from metrics.certainty import LOW, Ways, certainty_of
from metrics.grid import UNIT, Grid, by_blocks
from metrics.terms import Terms
from rules.book import Rule

UNMANAGED = "NP"  # estate class without a company: nobody's company score may rest on it


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
