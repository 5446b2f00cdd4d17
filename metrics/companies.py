"""Companies and office heads: weighted means of the spells they answer for (method.md section 8); class distributions.

A unit weighs its decayed household-days, at most the 95th percentile of all units, so that one giant estate does not
decide. No second shrinkage: the units' scores have had theirs; but what pulled them to their class pulled the estates of
one company alike, so their errors do not average out fully. A company stands at most so many points above its worst
fifth, so that one rotten estate cannot hide behind volume, and one tiny estate cannot sink a company.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from metrics.certainty import interval
from metrics.draws import seed_of
from metrics.order import alike, tiers
from metrics.ranks import rank_bounds
from metrics.scores import band_of, placed
from rules.book import Rule

STANDING = ("rank_lo", "rank_hi", "alike", "tier")
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


def counted(units: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Units whose score counts for the party: those of the rule's states, rated and provisional.

    With few records, which of a company's spells happen to be rated is chance, and what is left out costs more than what
    is unsure: rank correlation with the truth .954 instead of .898, error 3.5 points instead of 4.3; those not rated at
    all add nothing more (.956, 3.6; docs/method.md 15).
    """
    return units.filter(pl.col("state").is_in(list(rule["company_counts"])))


def company_likeness(rated: pl.DataFrame, key: str) -> pl.DataFrame:
    """``period, icc, tau2``: how alike the units of one party are (one-way ANOVA of class-centred scores, 0 to 1), and
    the variance of true scores between units, Var(S) + mean sd^2.
    """
    centred = rated.sort("period", key, "unit_id").with_columns(
        x=pl.col("final") - pl.col("final").mean().over("period", "estate_class")
    )
    party = centred.group_by("period", key, maintain_order=True).agg(
        n=pl.len().cast(pl.Float64), mean=pl.col("x").mean(), within=((pl.col("x") - pl.col("x").mean()) ** 2).sum()
    )
    n, k = pl.col("n"), pl.len().cast(pl.Float64)
    total = (n * pl.col("mean")).sum() / n.sum()
    found = party.group_by("period", maintain_order=True).agg(
        between=(n * (pl.col("mean") - total) ** 2).sum() / (k - 1),
        inside=pl.col("within").sum() / (n.sum() - k),
        size=(n.sum() - (n**2).sum() / n.sum()) / (k - 1),
    )
    apart = pl.col("between") - pl.col("inside")
    icc = (apart / (pl.col("between") + (pl.col("size") - 1) * pl.col("inside"))).fill_nan(0.0).fill_null(0.0)
    tau2 = centred.group_by("period", maintain_order=True).agg(
        tau2=pl.col("final").var(ddof=0) + (pl.col("sd") ** 2).mean()
    )
    return found.select("period", icc=pl.when(icc.is_finite()).then(icc.clip(0.0, 1.0)).otherwise(0.0)).join(
        tau2, on="period"
    )


def spread_of_means(rated: pl.DataFrame, key: str, rule: Rule) -> pl.DataFrame:
    """``sd`` of each party's weighted mean per period (method.md section 8).

    Var = sum a^2 V + (ICC / tau2) ((sum a V)^2 - sum (a V)^2), with weights a that sum to 1 and V = sd^2.
    """
    share, v = pl.col("weight") / pl.col("weight").sum(), pl.col("sd") ** 2
    sums = (
        rated.sort(key, "period", "unit_id")
        .group_by(key, "period", maintain_order=True)
        .agg(own=(share**2 * v).sum(), pulled=(share * v).sum(), alone=((share * v) ** 2).sum())
    )
    shared = pl.when(pl.col("tau2") > 0).then(pl.col("icc") / pl.col("tau2")).otherwise(0.0)
    variance = pl.col("own") + shared * (pl.col("pulled") ** 2 - pl.col("alone")).clip(lower_bound=0.0)
    sums = sums.join(company_likeness(rated, key), on="period")
    return sums.select(key, "period", sd=(variance.sqrt() * rule["company_sd_factor"]).round(9))


def with_interval(scores: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Add ``lo`` and ``hi`` around ``final``."""
    final, sd = (scores.get_column(c).cast(pl.Float64).fill_null(np.nan).to_numpy() for c in ("final", "sd"))
    lo, hi = interval(final, sd, rule["interval_z"])
    return scores.with_columns(lo=pl.Series(lo).fill_nan(None), hi=pl.Series(hi).fill_nan(None))


def with_rank_sets(scores: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Add ``rank_lo`` and ``rank_hi``, places that hold for all ranked parties of a period at once; ``alike``, ``tier``."""

    def of_period(rows: pl.DataFrame) -> pl.DataFrame:
        final, sd = (rows.get_column(c).to_numpy() for c in ("final", "sd"))
        low, high = rank_bounds(
            final, np.maximum(sd, 1e-6), coverage=rule["rank_coverage"], draws=rule["draws"],
            seed=seed_of(rows["period"][0], "ranks"),
        )  # fmt: skip
        sure, one = rule["order_sure"], np.zeros(rows.height, dtype=int)
        return rows.select(
            "party_id", "period", rank_lo=pl.Series(low), rank_hi=pl.Series(high),
            alike=pl.Series(alike(final, sd, one, sure)), tier=pl.Series(tiers(final, sd, one, sure)),
        )  # fmt: skip

    ranked = scores.filter(pl.col("rank").is_not_null() & pl.col("sd").is_not_null())
    empty = pl.DataFrame(schema={"party_id": pl.String, "period": pl.String} | dict.fromkeys(STANDING, pl.Int64))
    sets = [empty, *(of_period(rows) for rows in ranked.partition_by("period", maintain_order=True))]
    found = scores.join(pl.concat(sets), on=["party_id", "period"], how="left", maintain_order="left")
    return found.with_columns(
        rank_lo=pl.min_horizontal("rank_lo", pl.when(pl.col("rank_lo").is_not_null()).then("rank")),
        rank_hi=pl.max_horizontal("rank_hi", pl.when(pl.col("rank_hi").is_not_null()).then("rank")),
    )


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
            every spell of the window, also those that ended; those of the rule's states count.
        rule: the index rule in force.
    """
    key = f"{party}_id"
    group = [key, "period"]
    units = weighed(units.filter(pl.col(key).is_not_null()), rule).sort([*group, "unit_id"])
    known = counted(units, rule)
    means = _means(known, group, rule).join(spread_of_means(known, key, rule), on=group, how="left")
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
    scores = placed(with_interval(scores, rule), ["period"], "rank", "ranked")
    if party == "head":  # persons are not set in an order: no rank set
        return scores.with_columns(**dict.fromkeys(STANDING, pl.lit(None, pl.Int64)))
    return with_rank_sets(scores, rule)


def parts(units: pl.DataFrame, party: str, rule: Rule) -> pl.DataFrame:
    """Contract PartyPart: what each unit that counts takes off its party's mean; they sum to 100 - mean.

    Args:
        units, party: as of ``roll_up``.
    """
    group = [f"{party}_id", "period"]
    known = counted(weighed(units.filter(pl.col(group[0]).is_not_null()), rule), rule)
    share = pl.col("weight") / pl.col("weight").sum().over(group)
    rows = known.sort([*group, "unit_id"]).select(
        "period", "unit_id", "estate_id", party=pl.lit(party), party_id=pl.col(group[0]), share=share,
        points_lost=share * (100 - pl.col("final")),
    )  # fmt: skip
    return rows.sort("party", "party_id", "period", "unit_id")


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
