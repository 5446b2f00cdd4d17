"""The index: points into sub-indices into one score, with exact contributions (method.md sections 4, 5, 7).

``S = (sum_p W_p max(U_p, 1)^rho)^(1/rho)``. For any two states the contributions
``c_p = L W_p (f(U1) - f(U0))`` with ``L = (S1 - S0) / (f(S1) - f(S0))``, ``f(x) = x^rho`` sum to ``S1 - S0`` exactly,
whatever the order, and split on to the metrics of each sub-index.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from rules.book import Rule

UNIT = ["level", "unit_id", "period"]
FULL = 100.0


def transform(x, rho: float):
    """f(x) = x^rho, or ln x at rho = 0; expressions and arrays alike."""
    if rho == 0:
        return x.log() if isinstance(x, pl.Expr) else np.log(x)
    return x**rho


def inverse(x, rho: float):
    """The x whose transform is given."""
    if rho == 0:
        return x.exp() if isinstance(x, pl.Expr) else np.exp(x)
    return x ** (1 / rho)


def slope(x, rho: float):
    """Derivative of the transform."""
    return 1 / x if rho == 0 else rho * x ** (rho - 1)


def power_mean(points: np.ndarray, weights: np.ndarray, rho: float, floor: float = 1.0) -> np.ndarray:
    """Weighted power mean along the last axis; rho 1 arithmetic, 0 geometric, -1 harmonic.

    T9: U = (52,80,90,70,85), W = (.30,.25,.15,.15,.15) give 72.35 (rho 1), 71.577444 (.5), 70.776229 (0), 69.115854 (-1).
    """
    share = weights / weights.sum(axis=-1, keepdims=True)
    return inverse((share * transform(np.maximum(points, floor), rho)).sum(axis=-1), rho)


def quotient(s1: pl.Expr, s0: pl.Expr, rho: float) -> pl.Expr:
    """L: (S1 - S0) / (f(S1) - f(S0)), its limit where the two states are equal."""
    apart = (s1 - s0).abs() > 1e-12
    return pl.when(apart).then((s1 - s0) / (transform(s1, rho) - transform(s0, rho))).otherwise(1 / slope(s1, rho))


def steepness(u1: pl.Expr, u0: pl.Expr, rho: float, floor: float) -> pl.Expr:
    """D: (f(U1) - f(U0)) / (U1 - U0) with the floor inside f, its limit where equal."""
    f1, f0 = (transform(u.clip(lower_bound=floor), rho) for u in (u1, u0))
    return pl.when((u1 - u0).abs() > 1e-12).then((f1 - f0) / (u1 - u0)).otherwise(
        pl.when(u1 >= floor).then(slope(u1.clip(lower_bound=floor), rho)).otherwise(0.0)
    )  # fmt: skip


def subindices(rows: pl.DataFrame, points: str) -> pl.DataFrame:
    """Weighted mean of ``points`` per unit, period and sub-index, over the metrics that have points and weight.

    Returns:
        UNIT + ``subindex, sub_weight`` (renormalised over the sub-indices there are), ``value``.
    """
    counted = rows.filter(pl.col(points).is_not_null() & (pl.col("weight") > 0))
    means = counted.group_by([*UNIT, "subindex"], maintain_order=True).agg(
        value=(pl.col("weight") * pl.col(points)).sum() / pl.col("weight").sum(), sub_weight=pl.col("sub_weight").first()
    )
    return means.with_columns(sub_weight=pl.col("sub_weight") / pl.col("sub_weight").sum().over(UNIT))


def total(subs: pl.DataFrame, rho: float, floor: float) -> pl.DataFrame:
    """UNIT + ``score`` from sub-indices."""
    value = transform(pl.col("value").clip(lower_bound=floor), rho)
    return subs.group_by(UNIT, maintain_order=True).agg(
        score=inverse((pl.col("sub_weight") * value).sum(), rho)
    )


def contributions(rows: pl.DataFrame, base: str | float, rho: float, floor: float) -> pl.DataFrame:
    """Points each metric moves the score from the base state to the state it is in: exact and order-free.

    Args:
        rows: UNIT + ``metric, subindex, sub_weight, weight, points`` (scored rows only).
        base: the other state: a number for all, or the column that holds each metric's points there.

    Returns:
        UNIT + ``metric, points_moved``; per unit they sum to ``score - score at base`` (1e-9).
    """
    rows = rows.with_columns(base=pl.lit(float(base)) if isinstance(base, float) else pl.col(base))
    here, there = subindices(rows, "points"), subindices(rows, "base")
    subs = here.join(there.select([*UNIT, "subindex", base_value="value"]), on=[*UNIT, "subindex"])
    scores = total(here, rho, floor).join(total(there, rho, floor).rename({"score": "base_score"}), on=UNIT)
    subs = subs.join(scores, on=UNIT).with_columns(
        lift=quotient(pl.col("score"), pl.col("base_score"), rho)
        * pl.col("sub_weight")
        * steepness(pl.col("value"), pl.col("base_value"), rho, floor)
    )
    share = pl.col("weight") / pl.col("weight").sum().over([*UNIT, "subindex"])
    return rows.with_columns(share=share).join(subs.select([*UNIT, "subindex", "lift"]), on=[*UNIT, "subindex"]).select(
        [*UNIT, "metric", "subindex"], points_moved=pl.col("lift") * pl.col("share") * (pl.col("points") - pl.col("base"))
    )  # fmt: skip


def class_level(rows: pl.DataFrame) -> pl.DataFrame:
    """Add ``class_points``: mean points of the estates of the class, per period and metric."""
    level = (
        rows.filter(pl.col("level") == "estate")
        .group_by("period", "estate_class", "metric")
        .agg(class_points=pl.col("points").mean())
    )
    return rows.join(level, on=["period", "estate_class", "metric"], how="left").with_columns(
        pl.col("class_points").fill_null(pl.col("points"))
    )


def evidence_states(rows: pl.DataFrame) -> pl.DataFrame:
    """UNIT + ``coverage`` (share of applicable weight measured), ``sources``, ``records``."""
    overall = pl.col("weight") * pl.col("sub_weight")
    measured = pl.col("state") == "measured"
    return rows.group_by(UNIT, maintain_order=True).agg(
        coverage=(overall.filter(measured).sum() / overall.sum()).fill_nan(0.0),
        sources=pl.col("source").filter(measured & (pl.col("records") > 0) & (pl.col("weight") > 0)).n_unique(),
        records=pl.col("records").filter(pl.col("weight") > 0).sum(),
    )


def why_not_rated(rule: Rule) -> pl.Expr:
    """Comma-joined reasons a unit is not rated; NULL where it is (minimum evidence, method.md section 7)."""
    reasons = {
        "not_inspected": ~pl.col("inspected"),
        "few_sources": pl.col("sources") < rule["sources_min"],
        "low_coverage": pl.col("coverage") < rule["coverage_min"],
        "short_tenure": pl.col("in_charge_days") < rule["tenure_min_days"],
    }
    parts = [pl.when(test.fill_null(False)).then(pl.lit(code)) for code, test in reasons.items()]
    joined = pl.concat_str(parts, separator=",", ignore_nulls=True)
    return pl.when(joined != "").then(joined)


def band_of(score: pl.Expr, rule: Rule) -> pl.Expr:
    """The band whose least score is reached (the bound belongs to the band above)."""
    band = pl.lit("failing")
    for name in ("attention", "good", "excellent"):
        band = pl.when(score >= rule["bands"][name]).then(pl.lit(name)).otherwise(band)
    return pl.when(score.is_not_null()).then(band)


def ranked(scores: pl.DataFrame) -> pl.DataFrame:
    """Add ranks among rated units standing on the period's last day: within the class and overall, per level."""
    counted = scores.filter((pl.col("state") == "rated") & pl.col("current"))
    groups = {"rank_in_class": ["level", "period", "estate_class"], "rank_overall": ["level", "period"]}
    sizes = {"rank_in_class": "class_size", "rank_overall": "overall_size"}
    for name, group in groups.items():
        counted = counted.with_columns(
            pl.col("final").rank("min", descending=True).over(group).cast(pl.Int64).alias(name),
            pl.len().over(group).cast(pl.Int64).alias(sizes[name]),
        )
    return scores.join(counted.select([*UNIT, *groups, *sizes.values()]), on=UNIT, how="left")


def aggregate(rows: pl.DataFrame, units: pl.DataFrame, caps: pl.DataFrame, rule: Rule) -> dict[str, pl.DataFrame]:
    """Score every unit.

    Args:
        rows: one row per unit, period and applicable metric: UNIT + ``metric, subindex, sub_weight, weight, source, state,
            points, own_points, records, estate_class`` (weight 0 = shown only).
        units: the frame of ``metrics.units.units``.
        caps: the frame of ``metrics.caps.in_force``.
        rule: the index rule in force.

    Returns:
        ``metrics``: rows with ``points_lost`` and ``gap_to_class``; ``subindex_scores``; ``index_scores``.
    """
    rho, floor = rule["rho"], rule["floor"]
    scored = rows.filter((pl.col("weight") > 0) & pl.col("points").is_not_null())
    lost = contributions(scored, FULL, rho, floor).rename({"points_moved": "points_lost"})
    gap = contributions(class_level(scored), "class_points", rho, floor).rename({"points_moved": "gap_to_class"})
    metrics = rows.join(lost.drop("subindex"), on=[*UNIT, "metric"], how="left").join(
        gap.drop("subindex"), on=[*UNIT, "metric"], how="left"
    )
    subs = subindices(scored, "points")
    losses = lost.group_by([*UNIT, "subindex"]).agg(points_lost=pl.col("points_lost").sum())
    subindex_scores = subs.join(losses, on=[*UNIT, "subindex"]).rename({"value": "points", "sub_weight": "weight"})
    own = total(subindices(rows, "own_points"), rho, floor).rename({"score": "own_score"})
    scores = (
        units.join(total(subs, rho, floor), on=UNIT, how="left")
        .join(own, on=UNIT, how="left")
        .join(caps, on=UNIT, how="left")
        .join(evidence_states(rows), on=UNIT, how="left")
        .with_columns(pl.col("coverage").fill_null(0.0), pl.col("sources", "records").fill_null(0))
        .with_columns(final=pl.min_horizontal("score", "cap"), why_not_rated=why_not_rated(rule))
        .with_columns(final=pl.when(pl.col("score").is_not_null()).then(pl.col("final")))
        .with_columns(
            state=pl.when(pl.col("why_not_rated").is_null() & pl.col("final").is_not_null())
            .then(pl.lit("rated"))
            .otherwise(pl.lit("not_rated")),
        )
        .with_columns(band=pl.when(pl.col("state") == "rated").then(band_of(pl.col("final"), rule)))
    )
    return {"metrics": metrics, "subindex_scores": subindex_scores, "index_scores": ranked(scores)}
