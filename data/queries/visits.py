"""What a visit needs to know: the estates of one's own area, and which photos of records one may see."""

from __future__ import annotations

import duckdb
import polars as pl

from data.queries import ask, readable
from data.scope import Scope


def estates(scope: Scope, con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The estates standing in the newest period the viewer may read, by id: estate_id, name_zh, name_en, estate_class."""
    params: dict = {}
    r = readable(scope, params, e="estates")
    return ask(
        con,
        f"""
        SELECT estate_id, name_zh, name_en, estate_class FROM {r["e"]} AS e
        WHERE period = (SELECT max(period) FROM periods) ORDER BY estate_id
        """,
        params,
    )


def may_see_photo(scope: Scope, con: duckdb.DuckDBPyConnection, *, photo: str) -> bool:
    """Does evidence the viewer may read name this photo?"""
    params = {"photo": photo}
    r = readable(scope, params, v="evidence")
    sql = f"""
        SELECT 1 AS seen FROM {r["v"]} AS v
        WHERE v.record_table = 'inspection_items'
          AND list_contains(string_split(json_extract_string(v.facts, '$.photos'), ' '), $photo) LIMIT 1
    """
    return ask(con, sql, params).height > 0
