"""Which estates lack which records, since when, and who is in charge of them (edition table ``coverage``)."""

from __future__ import annotations

import duckdb
import polars as pl

from data.queries import ask, readable
from data.scope import Scope


def by_metric(scope: Scope, con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """One scored metric: estates it applies to, how many of them lack any record, most lacking first."""
    scope.require("steward", "supervisor", "subdistrict", "station")
    params: dict = {}
    r = readable(scope, params, c="coverage")
    return ask(
        con,
        f"""
        SELECT metric, count(*) AS applies, count(*) FILTER (NOT measured) AS lacking
        FROM {r["c"]} AS c GROUP BY ALL ORDER BY lacking / applies DESC, metric
        """,
        params,
    )


def by_estate(
    scope: Scope, con: duckdb.DuckDBPyConnection, *, search: str = "", limit: int = 50, offset: int = 0
) -> pl.DataFrame:
    """One estate: share of its scored indicators with a record (D05), least first; ``total`` counts all."""
    scope.require("steward", "supervisor", "subdistrict", "station")
    params: dict = {"search": search.lower(), "limit": limit, "offset": offset}
    r = readable(scope, params, c="coverage", e="estates")
    found = "WHERE contains(lower(concat_ws(' ', n.estate_id, n.name_zh, n.name_en)), $search)" if search else ""
    return ask(
        con,
        f"""
        WITH named AS (
            SELECT * FROM {r["e"]} AS e QUALIFY row_number() OVER (PARTITION BY estate_id ORDER BY period DESC) = 1
        )
        SELECT n.estate_id, n.name_zh, n.name_en, n.estate_class, count(*) AS applies,
               count(*) FILTER (NOT c.measured) AS lacking, avg(c.measured::DOUBLE) AS covered, count(*) OVER () AS total
        FROM {r["c"]} AS c JOIN named AS n USING (estate_id) {found}
        GROUP BY ALL ORDER BY covered, n.estate_id LIMIT $limit OFFSET $offset
        """,
        params,
    )


def lacking(
    scope: Scope, con: duckdb.DuckDBPyConnection, *, metric: str | None = None, search: str = "", limit: int = 50,
    offset: int = 0,
) -> pl.DataFrame:  # fmt: skip
    """One scored metric of one estate of which nothing is on record, longest missing first; ``total`` counts all.

    Returns:
        ``estate_id, name_zh, name_en, metric, last_on, last_period``, and who is in charge: ``company_zh, company_en,
        station_zh, station_en, subdistrict_zh, subdistrict_en``.
    """
    scope.require("steward", "supervisor", "subdistrict", "station")
    params: dict = {"metric": metric, "search": search.lower(), "limit": limit, "offset": offset}
    r = readable(scope, params, c="coverage", e="estates", f="companies", a="areas")
    where = [
        "NOT c.measured",
        *(["c.metric = $metric"] if metric else []),
        *(["contains(lower(concat_ws(' ', n.estate_id, n.name_zh, n.name_en)), $search)"] if search else []),
    ]
    return ask(
        con,
        f"""
        WITH named AS (
            SELECT * FROM {r["e"]} AS e QUALIFY row_number() OVER (PARTITION BY estate_id ORDER BY period DESC) = 1
        )
        SELECT n.estate_id, n.name_zh, n.name_en, c.metric, c.last_on, c.last_period,
               f.name_zh AS company_zh, f.name_en AS company_en, s.name_zh AS station_zh, s.name_en AS station_en,
               d.name_zh AS subdistrict_zh, d.name_en AS subdistrict_en, count(*) OVER () AS total
        FROM {r["c"]} AS c JOIN named AS n USING (estate_id)
        LEFT JOIN {r["f"]} AS f ON f.company_id = n.company_id
        LEFT JOIN {r["a"]} AS s ON s.area_id = n.station_id
        LEFT JOIN {r["a"]} AS d ON d.area_id = n.subdistrict_id
        WHERE {" AND ".join(where)}
        ORDER BY c.last_on NULLS FIRST, n.estate_id, c.metric LIMIT $limit OFFSET $offset
        """,
        params,
    )
