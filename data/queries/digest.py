"""What a bulletin and a company's scorecard say beside the rankings: bands by sub-district, the district over time, a
company's own sub-indices and metrics. Weighted by each spell's share of the company, as its score is."""

from __future__ import annotations

import duckdb
import polars as pl

from data.queries import ask, readable
from data.scope import Scope


def bands_by_area(scope: Scope, con: duckdb.DuckDBPyConnection, *, period: str) -> pl.DataFrame:
    """One band (or state without a band) of one sub-district in one period: subdistrict_id, names, band, estates, households."""
    params = {"period": period}
    r = readable(scope, params, s="index_scores", e="estates", a="areas")
    return ask(
        con,
        f"""
        SELECT e.subdistrict_id, a.name_zh, a.name_en, CASE WHEN s.state = 'rated' THEN s.band ELSE s.state END AS band,
               count(*) AS estates, sum(e.households)::BIGINT AS households
        FROM {r["s"]} AS s
        JOIN {r["e"]} AS e ON e.estate_id = s.unit_id AND e.period = s.period
        LEFT JOIN {r["a"]} AS a ON a.area_id = e.subdistrict_id
        WHERE s.level = 'estate' AND s.period = $period
        GROUP BY ALL ORDER BY ALL
        """,
        params,
    )


def over_time(scope: Scope, con: duckdb.DuckDBPyConnection, *, period: str) -> pl.DataFrame:
    """One period up to the one asked for, oldest first: rated estates and the quartiles p25, p50, p75 of their scores."""
    params = {"period": period}
    r = readable(scope, params, s="index_scores")
    quartiles = ", ".join(f"quantile_cont(final, {q / 100}) AS p{q}" for q in (25, 50, 75))
    return ask(
        con,
        f"""
        SELECT period, count(*) AS estates, {quartiles}
        FROM {r["s"]} AS s
        WHERE level = 'estate' AND state = 'rated' AND period <= $period
        GROUP BY period ORDER BY period
        """,
        params,
    )


def company_subindices(scope: Scope, con: duckdb.DuckDBPyConnection, *, company_id: str, period: str) -> pl.DataFrame:
    """One sub-index of one company: points, and the median of its estates' classes where enough estates make one."""
    params = {"company": company_id, "period": period}
    r = readable(scope, params, p="party_parts", b="subindex_scores", s="index_scores", q="quantiles")
    return ask(
        con,
        f"""
        SELECT b.subindex, fsum(p.share * b.points) / fsum(p.share) AS points,
               fsum(p.share * q.p50) / fsum(p.share) FILTER (q.p50 IS NOT NULL) AS median
        FROM {r["p"]} AS p
        JOIN {r["b"]} AS b ON b.level = 'tenure' AND b.unit_id = p.unit_id AND b.period = p.period
        JOIN {r["s"]} AS s ON s.level = b.level AND s.unit_id = b.unit_id AND s.period = b.period
        LEFT JOIN {r["q"]} AS q ON q.period = b.period AND q.estate_class = s.estate_class AND q.metric = b.subindex
        WHERE p.party = 'company' AND p.party_id = $company AND p.period = $period AND b.points IS NOT NULL AND p.share > 0
        GROUP BY b.subindex ORDER BY b.subindex
        """,
        params,
    )


def company_metrics(scope: Scope, con: duckdb.DuckDBPyConnection, *, company_id: str, period: str) -> pl.DataFrame:
    """One metric of one company, costliest first: points_lost (negative), the company's index points it takes."""
    params = {"company": company_id, "period": period}
    r = readable(scope, params, p="party_parts", m="metric_scores")
    return ask(
        con,
        f"""
        SELECT m.metric, fsum(p.share * m.points_lost) AS points_lost
        FROM {r["p"]} AS p
        JOIN {r["m"]} AS m ON m.level = 'tenure' AND m.unit_id = p.unit_id AND m.period = p.period
        WHERE p.party = 'company' AND p.party_id = $company AND p.period = $period AND m.points_lost IS NOT NULL
        GROUP BY m.metric ORDER BY points_lost, m.metric
        """,
        params,
    )
