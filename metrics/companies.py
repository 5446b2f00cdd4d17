"""Companies and office heads: weighted means of the spells they are answerable for (method.md section 8).

A unit weighs its decayed household-days, at most the 95th percentile of all. A company stands at most so many points above
its worst fifth, so that one rotten estate cannot hide behind volume and one tiny estate cannot sink a company.
"""

from __future__ import annotations

import polars as pl

from metrics.index import band_of
from rules.book import Rule


def worst_share_mean(score: pl.Expr, weight: pl.Expr, share: float, group: list[str]) -> pl.Expr:
    """Weighted mean of the worst units that make up ``share`` of the weight; rows sorted by score within ``group``.

    T13: scores 88, 90, 35 with weights 500, 300, 200: the worst 20 % is the third estate, 35.
    """
    limit = share * weight.sum().over(group)
    before = weight.cum_sum().over(group) - weight
    taken = pl.min_horizontal(weight, (limit - before).clip(lower_bound=0.0))
    return (taken * score).sum().over(group) / taken.sum().over(group)


def roll_up(units: pl.DataFrame, party: str, rule: Rule) -> pl.DataFrame:
    """Contract CompanyScore of one kind of party.

    Args:
        units: index scores of level ``tenure`` (party company) or ``head`` (party head), with ``household_days``.
        party: ``company`` or ``head``.
        rule: the index rule in force.
    """
    key = f"{party}_id"
    units = units.filter(pl.col(key).is_not_null())
    rated = units.filter(pl.col("state") == "rated")
    ceiling = pl.col("household_days").quantile(rule["weight_cap_quantile"], "linear").over("period")
    group = [key, "period"]
    rated = (
        rated.with_columns(weight=pl.min_horizontal("household_days", ceiling))
        .sort([*group, "final", "unit_id"])
        .with_columns(worst=worst_share_mean(pl.col("final"), pl.col("weight"), rule["worst_share"], group))
    )
    means = rated.group_by(group, maintain_order=True).agg(
        mean=(pl.col("weight") * pl.col("final")).sum() / pl.col("weight").sum(),
        worst_fifth=pl.col("worst").first(),
        worst_unit_id=pl.col("unit_id").first(),
        units_rated=pl.len().cast(pl.Int64),
        days=pl.col("in_charge_days").sum(),
    )
    everyone = units.group_by(group, maintain_order=True).agg(
        units=pl.len().cast(pl.Int64),
        current=pl.col("current").any(),
        households=pl.col("households").filter(pl.col("current")).sum().cast(pl.Int64),
    )
    if party == "company":
        enough = (pl.col("units_rated") >= rule["company_min_units"]) | (
            pl.col("days") >= rule["company_min_years"] * 365.25
        )
    else:
        enough = pl.col("days") >= rule["head_min_days"]
    scores = everyone.join(means, on=group, how="left").with_columns(
        final=pl.min_horizontal("mean", pl.col("worst_fifth") + rule["tail_guard"]),
        state=pl.when(enough.fill_null(False)).then(pl.lit("rated")).otherwise(pl.lit("not_rated")),
        units_rated=pl.col("units_rated").fill_null(0),
    )
    is_rated = pl.col("state") == "rated"
    scores = scores.with_columns(
        band=pl.when(is_rated).then(band_of(pl.col("final"), rule)),
        why_not_rated=pl.when(~is_rated).then(pl.lit("few_units")),
    )
    placed = scores.filter(is_rated & pl.col("current")).with_columns(
        rank=pl.col("final").rank("min", descending=True).over("period").cast(pl.Int64),
        ranked=pl.len().over("period").cast(pl.Int64),
    )
    return scores.join(placed.select([*group, "rank", "ranked"]), on=group, how="left").with_columns(
        party=pl.lit(party), party_id=pl.col(key)
    )


def quantiles(metric_scores: pl.DataFrame, subindex_scores: pl.DataFrame, index_scores: pl.DataFrame, rule: Rule):
    """Contract Quantile: each class's distribution of points, hidden where the class is too small to be anonymous."""
    classes = index_scores.filter(pl.col("level") == "estate").select("unit_id", "period", "estate_class")
    estate = pl.col("level") == "estate"
    parts = [
        metric_scores.filter(estate & pl.col("points").is_not_null()).select("unit_id", "period", "metric", "points"),
        subindex_scores.filter(estate).select("unit_id", "period", "points", metric="subindex"),
        index_scores.filter(estate & (pl.col("state") == "rated")).select(
            "unit_id", "period", metric=pl.lit("index"), points="final"
        ),
    ]
    rows = pl.concat([p.select("unit_id", "period", "metric", "points") for p in parts]).join(
        classes, on=["unit_id", "period"]
    )
    found = rows.group_by("period", "estate_class", "metric").agg(
        units=pl.len().cast(pl.Int64),
        **{f"p{q}": pl.col("points").quantile(q / 100, "linear") for q in (10, 25, 50, 75, 90)},
    )
    return found.filter(pl.col("units") >= rule["min_class_shown"]).sort("period", "estate_class", "metric")
