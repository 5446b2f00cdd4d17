"""Companies and office heads: weighted means of the spells they answer for (method.md section 8); class distributions.

A unit weighs its decayed household-days, at most the 95th percentile of all units, so that one giant estate does not
decide. No second shrinkage: the units' scores have had theirs. A company stands at most so many points above its worst
fifth, so that one rotten estate cannot hide behind volume, and one tiny estate cannot sink a company.
"""

from __future__ import annotations

import polars as pl

from metrics.scores import band_of, placed
from rules.book import Rule

QUANTILES = (10, 25, 50, 75, 90)


def worst_share_mean(score: pl.Expr, weight: pl.Expr, share: float, group: list[str]) -> pl.Expr:
    """Weighted mean of the worst units that make up ``share`` of the weight; rows sorted by score within ``group``.

    The unit in which the share is reached counts with the part that is needed to reach it.
    T13: scores 88, 90, 35 with weights 500, 300, 200: the worst 20 % is the third estate, 35.
    """
    limit = share * weight.sum().over(group)
    before = weight.cum_sum().over(group) - weight
    taken = pl.min_horizontal(weight, (limit - before).clip(lower_bound=0.0))
    return (taken * score).sum().over(group) / taken.sum().over(group)


def weighed(units: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Add ``weight``: decayed household-days, at most the rule's quantile of all units of the period."""
    ceiling = pl.col("household_days").quantile(rule["weight_cap_quantile"], "linear").over("period")
    return units.with_columns(weight=pl.min_horizontal(pl.col("household_days"), ceiling))


def _means(rated: pl.DataFrame, group: list[str], rule: Rule) -> pl.DataFrame:
    rated = rated.sort([*group, "final", "unit_id"]).with_columns(
        worst=worst_share_mean(pl.col("final"), pl.col("weight"), rule["worst_share"], group)
    )
    return rated.group_by(group, maintain_order=True).agg(
        mean=(pl.col("weight") * pl.col("final")).sum() / pl.col("weight").sum(),
        worst_fifth=pl.col("worst").first(),
        worst_unit_id=pl.col("unit_id").first(),
        units_rated=pl.len().cast(pl.Int64),
        days=pl.col("in_charge_days").sum(),
    )


def _enough(party: str, rule: Rule) -> pl.Expr:
    if party == "head":
        return pl.col("days") >= rule["head_min_days"]
    return (pl.col("units_rated") >= rule["company_min_units"]) | (pl.col("days") >= rule["company_min_years"] * 365.25)


def roll_up(units: pl.DataFrame, party: str, rule: Rule) -> pl.DataFrame:
    """Contract CompanyScore of one kind of party, sorted by party and period.

    Args:
        units: index scores of level ``tenure`` (party ``company``) or ``head`` (party ``head``) with ``household_days``:
            every spell of the window, also those that ended; only rated ones count.
        rule: the index rule in force.
    """
    key = f"{party}_id"
    group = [key, "period"]
    units = weighed(units.filter(pl.col(key).is_not_null()), rule).sort([*group, "unit_id"])
    means = _means(units.filter(pl.col("state") == "rated"), group, rule)
    everyone = units.group_by(group, maintain_order=True).agg(
        units=pl.len().cast(pl.Int64),
        current=pl.col("current").any(),
        households=pl.col("households").filter(pl.col("current")).sum().cast(pl.Int64),
    )
    rated = _enough(party, rule).fill_null(False)
    final = pl.min_horizontal("mean", pl.col("worst_fifth") + rule["tail_guard"])
    scores = everyone.join(means, on=group, how="left", maintain_order="left").with_columns(
        party=pl.lit(party),
        party_id=pl.col(key),
        final=final,
        state=pl.when(rated).then(pl.lit("rated")).otherwise(pl.lit("not_rated")),
        why_not_rated=pl.when(~rated).then(pl.lit("short_tenure" if party == "head" else "few_units")),
        band=pl.when(rated).then(band_of(final, rule)),
        units_rated=pl.col("units_rated").fill_null(0),
    )
    return placed(scores, ["period"], "rank", "ranked")


def quantiles(
    metric_scores: pl.DataFrame, subindex_scores: pl.DataFrame, index_scores: pl.DataFrame, rule: Rule
) -> pl.DataFrame:
    """Contract Quantile: each class's distribution of points among estates, hidden where too few to be anonymous.

    Metrics count where they were measured; sub-indices and the index where the estate was rated.
    """
    estate = pl.col("level") == "estate"
    index = index_scores.filter(estate)
    rated = index.filter(pl.col("state") == "rated").select("unit_id", "period", "final")
    measured = estate & (pl.col("state") == "measured") & pl.col("points").is_not_null()
    subs = subindex_scores.filter(estate).join(rated, on=["unit_id", "period"], how="semi")
    rows = pl.concat(
        [
            metric_scores.filter(measured).select("unit_id", "period", "metric", "points"),
            subs.select("unit_id", "period", metric="subindex", points="points"),
            rated.select("unit_id", "period", metric=pl.lit("index"), points="final"),
        ]
    ).join(index.select("unit_id", "period", "estate_class"), on=["unit_id", "period"])
    found = rows.group_by("period", "estate_class", "metric").agg(
        units=pl.len().cast(pl.Int64),
        **{f"p{q}": pl.col("points").quantile(q / 100, "linear") for q in QUANTILES},
    )
    return found.filter(pl.col("units") >= rule["min_class_shown"]).sort("period", "estate_class", "metric")
