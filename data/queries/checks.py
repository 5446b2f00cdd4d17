"""What in the records asks for a second look (metrics/checks): checks to make, never guilt."""

from __future__ import annotations

import duckdb
import polars as pl

from data.queries import ask, readable
from data.scope import Scope


def checks(scope: Scope, con: duckdb.DuckDBPyConnection, *, detector: str | None = None) -> pl.DataFrame:
    """One check to make (contract Check) with the unit's names, least explicable first.

    Officers see estates of their area; companies and the district are for the supervisor.
    """
    params: dict = {"detector": detector}
    r = readable(scope, params, k="checks", e="estates", c="companies")
    return ask(
        con,
        f"""
        SELECT k.*, coalesce(e.name_zh, c.name_zh) AS name_zh, coalesce(e.name_en, c.name_en) AS name_en
        FROM {r["k"]} AS k
        LEFT JOIN {r["e"]} AS e ON k.level = 'estate' AND e.estate_id = k.unit_id AND e.period = k.period
        LEFT JOIN {r["c"]} AS c ON k.level = 'company' AND c.company_id = k.unit_id
        WHERE $detector IS NULL OR k.detector = $detector
        ORDER BY k.detector, k.p, k.observed DESC, k.unit_id
        """,
        params,
    )


def check_runs(scope: Scope, con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """One detector: how many units it looked at in the whole district, and how many it selected (contract CheckRun)."""
    params: dict = {}
    r = readable(scope, params, r="check_runs")
    return ask(con, f"SELECT * FROM {r['r']} AS r ORDER BY r.detector", params)
