"""How much a share of points tells: points of one visit are not so many independent looks (method.md 2.2, F2).

The Beta-binomial formulas take every point for a throw of its own. Points found on one visit hang together, a weighted
failure weighs as several, and a graded item (3 of 5) varies less than a throw. Pearson's dispersion, the spread of an
estate's visits about its own share within a year over what throws would show, says how many throws a point is worth:
numerators and denominators are divided by it. Records of one point each, such as a complaint, have dispersion 1
whatever they say.
"""

from __future__ import annotations

import duckdb
import polars as pl

from metrics.base import Metric
from metrics.hazards import BY_DEADLINE
from rules.book import Rule

DIGITS = 6
FEW_ROWS, AS_THROWS = "few_rows", "as_throws"

# Of n points with y passed, y (n - y) / (n (n - 1)) is the unbiased variance of one throw. Visits of different years are
# compared after the district's level of each year is taken off (``level``; within one year it changes nothing), and what
# that level's moves add to the variance of a throw is taken off too. A record of one point is a throw whatever it says; a
# closing that counts in part, since nobody saw it again, is the throw it was told as (``whole``).
_DISPERSION = """
    WITH looks AS (
        SELECT metric, estate_id, split_part(record_id, '/', 1) AS visit, min(year(decided_on)) AS year,
               sum(numerator::DECIMAL(18, 9))::DOUBLE AS y, sum(denominator::DECIMAL(18, 9))::DOUBLE AS n
        FROM edition.evidence
        WHERE list_contains($metrics, metric) AND (excluded IS NULL OR excluded = 'grace') AND denominator > 0
        GROUP BY metric, estate_id, visit, CASE WHEN $by_year THEN year(decided_on) END
    ),
    levels AS (
        SELECT metric, year, sum(y::DECIMAL(18, 9))::DOUBLE / sum(n::DECIMAL(18, 9))::DOUBLE AS level
        FROM looks GROUP BY ALL
    ),
    several AS (SELECT metric, max(n) > 1 AS points FROM looks GROUP BY metric),
    seen AS (
        SELECT l.* EXCLUDE (year) REPLACE (CASE WHEN list_contains($whole, metric) THEN round(y) ELSE y END AS y), CASE WHEN $by_year THEN year END AS year,
               CASE WHEN points AND NOT $by_year THEN level ELSE 0 END AS level
        FROM looks AS l JOIN levels USING (metric, year) JOIN several USING (metric)
    ),
    groups AS (
        SELECT metric, estate_id, year, count(*) AS rows, sum(y::DECIMAL(18, 9))::DOUBLE AS y,
               sum(n::DECIMAL(18, 9))::DOUBLE AS n,
               sum((y - n * level)::DECIMAL(18, 9))::DOUBLE AS over,
               sum((power(y - n * level, 2) / n)::DECIMAL(18, 9))::DOUBLE AS s,
               sum((n * level)::DECIMAL(18, 9))::DOUBLE AS at_level,
               sum((n * level * level)::DECIMAL(18, 9))::DOUBLE AS level_squared
        FROM seen GROUP BY ALL HAVING count(*) > 1 AND sum(n) > 1
    )
    SELECT metric, sum(rows - 1)::BIGINT AS freedom, sum((s - over * over / n)::DECIMAL(18, 9))::DOUBLE AS spread,
           sum(((rows - 1) * greatest(
               y * (n - y) / (n * (n - 1)) - (level_squared / n - power(at_level / n, 2)), 0
           ))::DECIMAL(18, 9))::DOUBLE AS throws
    FROM groups
    GROUP BY metric
"""


def dispersions(con: duckdb.DuckDBPyConnection, chosen: dict[str, Metric], rule: Rule) -> pl.DataFrame:
    """Contract Dispersion: one row per proportion, over all evidence of the edition and the whole district.

    Args:
        con: with the edition's evidence attached. rule: the index rule in force.

    Visits are compared within an estate and a calendar year, so that a change over the years is not taken for noise;
    where too few estates have two in a year, over all years: then what the district's level moved from year to year is
    taken off, and what one estate alone changed counts as noise (cautious).
    """
    names, least = sorted(n for n, m in chosen.items() if m.family == "proportion"), rule["dispersion_rows_min"]
    yearly, ever = (
        con.sql(_DISPERSION, params={"metrics": names, "by_year": b, "whole": list(BY_DEADLINE)}).pl()
        for b in (True, False)
    )
    enough = yearly.filter(pl.col("freedom") >= least)
    found = pl.concat([enough, ever.join(enough, on="metric", how="anti")])
    rows = pl.DataFrame({"metric": names}, schema={"metric": pl.String}).join(found, on="metric", how="left")
    rows = rows.with_columns(pl.col("freedom", "spread", "throws").fill_null(0))
    few = (pl.col("freedom") < least) | (pl.col("throws") <= 0)
    bare = (pl.col("spread") / pl.col("throws")).clip(rule["dispersion_least"], rule["dispersion_most"]).round(DIGITS)
    return rows.with_columns(dispersion=pl.when(few).then(1.0).otherwise(bare)).with_columns(
        why_not=pl.when(few).then(pl.lit(FEW_ROWS)).when(pl.col("dispersion") == 1).then(pl.lit(AS_THROWS))
    ).sort("metric")  # fmt: skip


def with_dispersion(sums: pl.DataFrame, dispersion: pl.DataFrame) -> pl.DataFrame:
    """Count points by the throws they are worth: ``y, e, e2`` of every proportion divided by its dispersion.

    Args:
        sums: contract MetricSum.
    """
    rows = sums.join(dispersion.select("metric", "dispersion"), on="metric", how="left", maintain_order="left")
    worth = pl.col("dispersion").fill_null(1.0)
    return rows.with_columns(pl.col("y", "e", "e2") / worth).drop("dispersion")
