"""What the registers know, to tell a file's columns by: ids and names (``attach_records`` views)."""

from __future__ import annotations

import duckdb
import polars as pl

from data.queries import ask, readable
from data.scope import Scope


def texts(scope: Scope, con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """One text by which a record of a register may be named in a contract column: column_name, text (ids and names)."""
    scope.require("steward")
    params: dict = {}
    r = readable(scope, params, e="estates", c="companies", a="areas")
    return ask(
        con,
        f"""
        SELECT 'estate_id' AS column_name, unnest([estate_id, name_zh, name_en]) AS text FROM {r["e"]} AS e
        UNION SELECT 'company_id', unnest([company_id, name_zh, name_en]) FROM {r["c"]} AS c
        UNION SELECT kind || '_id', area_id FROM {r["a"]} AS a
        """,
        params,
    ).drop_nulls()
