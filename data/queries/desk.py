"""The steward's desk: deliveries and rows set aside, read from the records store (``attach_records`` views)."""

from __future__ import annotations

import duckdb
import polars as pl

from data.queries import ask, readable
from data.scope import Scope


def deliveries(scope: Scope, con: duckdb.DuckDBPyConnection, *, limit: int = 100) -> pl.DataFrame:
    """One delivery, newest first, with its counts; ``total`` counts all."""
    scope.require("steward", "supervisor")
    params = {"limit": limit}
    r = readable(scope, params, d="deliveries")
    return ask(
        con,
        f"""
        SELECT seq, delivery_id, source, record_table, file, received_at, rows_read, accepted, revised, unchanged, set_aside,
               encoding, sha256, count(*) OVER () AS total
        FROM {r["d"]} AS d ORDER BY seq DESC LIMIT $limit
        """,
        params,
    )


def set_aside(
    scope: Scope, con: duckdb.DuckDBPyConnection, *, delivery_id: str | None = None, reason: str | None = None,
    limit: int = 100, offset: int = 0,
) -> pl.DataFrame:  # fmt: skip
    """One failure of one row set aside, newest delivery first, with file and line; ``total`` counts all."""
    scope.require("steward", "supervisor")
    params = {"delivery": delivery_id, "reason": reason, "limit": limit, "offset": offset}
    r = readable(scope, params, s="rows_set_aside", d="deliveries")
    chosen = " AND ".join(
        ["true", *(["s.delivery_id = $delivery"] if delivery_id else []), *(["s.reason = $reason"] if reason else [])]
    )
    return ask(
        con,
        f"""
        SELECT d.seq, s.delivery_id, d.file, d.record_table, s.line, s.column_name, s.found, s.reason, s.reason_params,
               s.original, s.estate_id, count(*) OVER () AS total
        FROM {r["s"]} AS s JOIN {r["d"]} AS d USING (delivery_id)
        WHERE {chosen}
        ORDER BY d.seq DESC, s.line, s.column_name NULLS LAST
        LIMIT $limit OFFSET $offset
        """,
        params,
    )


def reasons(scope: Scope, con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """How often each reason set a row aside: reason, n, most first."""
    scope.require("steward", "supervisor")
    params: dict = {}
    r = readable(scope, params, s="rows_set_aside")
    return ask(con, f"SELECT reason, count(*) AS n FROM {r['s']} AS s GROUP BY reason ORDER BY n DESC, reason", params)


def notes(scope: Scope, con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """One thing worth knowing of one delivery: delivery_id, note, params (JSON)."""
    scope.require("steward", "supervisor")
    params: dict = {}
    r = readable(scope, params, n="delivery_notes")
    return ask(con, f"SELECT delivery_id, note, params FROM {r['n']} AS n ORDER BY ALL", params)
