"""The steward's desk: deliveries and rows set aside, read from the records store (``attach_records`` views)."""

from __future__ import annotations

import duckdb
import polars as pl

from data.queries import ask, readable
from data.scope import Scope
from data.unshown import UNSHOWN, headings_of, without

#: What became of a row set aside; ``open`` = nobody has settled it yet.
STATES = ("open", "mended", "redelivered", "repeated", "waived")
STATE = "coalesce(s.settled_how, 'open')"
HIDDEN = f"({', '.join(repr(c) for c in UNSHOWN)})"


def deliveries(scope: Scope, con: duckdb.DuckDBPyConnection, *, limit: int = 100) -> pl.DataFrame:
    """One delivery, newest first, with its counts and how many of its rows still wait; ``total`` counts all."""
    scope.require("steward", "supervisor")
    params = {"limit": limit}
    r = readable(scope, params, d="deliveries", s="rows_set_aside")
    return ask(
        con,
        f"""
        WITH waits AS (
            SELECT delivery_id, count(DISTINCT line) AS waiting FROM {r["s"]} AS s WHERE {STATE} = 'open' GROUP BY ALL
        )
        SELECT seq, delivery_id, source, record_table, file, received_at, rows_read, accepted, revised, unchanged, set_aside,
               coalesce(w.waiting, 0) AS waiting, encoding, sha256, count(*) OVER () AS total
        FROM {r["d"]} AS d LEFT JOIN waits AS w USING (delivery_id) ORDER BY seq DESC LIMIT $limit
        """,
        params,
    )


def set_aside(
    scope: Scope, con: duckdb.DuckDBPyConnection, *, delivery_id: str | None = None, source: str | None = None,
    reason: str | None = None, state: str | None = None, limit: int = 100, offset: int = 0,
) -> pl.DataFrame:  # fmt: skip
    """One failure of one row set aside, newest delivery first, with file and line; ``total`` counts all."""
    scope.require("steward", "supervisor")
    params = {
        "delivery": delivery_id, "source": source, "reason": reason, "state": state, "limit": limit, "offset": offset,
    }  # fmt: skip
    r = readable(scope, params, s="rows_set_aside", d="deliveries", a="desk_acts", w="desk_rows")
    hidden = headings_of(con)
    chosen = {"delivery": "s.delivery_id", "source": "d.source", "reason": "s.reason", "state": STATE}
    where = " AND ".join(["true", *(f"{column} = ${name}" for name, column in chosen.items() if params[name])])
    return ask(
        con,
        f"""
        WITH acted AS (
            SELECT w.delivery_id, w.line, max_by(a.act_id, a.act_id) AS act_id, max_by(a.why, a.act_id) AS why,
                   max_by(a.done_by, a.act_id) AS done_by, max_by(w.after, a.act_id) AS after
            FROM {r["w"]} AS w JOIN {r["a"]} AS a USING (act_id) GROUP BY ALL
        )
        SELECT d.seq, s.delivery_id, d.file, d.source, d.record_table, s.line, s.column_name,
               CASE WHEN s.column_name IS NULL OR s.column_name NOT IN {HIDDEN} THEN s.found END AS found, s.reason,
               s.reason_params, {without("s.original", hidden)} AS original, s.estate_id, s.record_id, {STATE} AS state, s.settled_by_seq, t.act_id, t.why,
               t.done_by, {without("t.after", hidden)} AS after, count(*) OVER () AS total
        FROM {r["s"]} AS s JOIN {r["d"]} AS d USING (delivery_id) LEFT JOIN acted AS t USING (delivery_id, line)
        WHERE {where}
        ORDER BY d.seq DESC, s.line, s.column_name NULLS LAST
        LIMIT $limit OFFSET $offset
        """,
        params,
    )


def reasons(scope: Scope, con: duckdb.DuckDBPyConnection, *, state: str | None = None) -> pl.DataFrame:
    """How often each reason set a row of each source aside: source, reason, n, most first."""
    scope.require("steward", "supervisor")
    params: dict = {"state": state}
    r = readable(scope, params, s="rows_set_aside", d="deliveries")
    return ask(
        con,
        f"""
        SELECT d.source, s.reason, count(DISTINCT (s.delivery_id, s.line)) AS n
        FROM {r["s"]} AS s JOIN {r["d"]} AS d USING (delivery_id)
        {f"WHERE {STATE} = $state" if state else ""}
        GROUP BY ALL ORDER BY n DESC, s.reason, d.source
        """,
        params,
    )


def waiting(
    scope: Scope, con: duckdb.DuckDBPyConnection, *, state: str | None = None, limit: int = 200
) -> pl.DataFrame:
    """One delivery and reason with how many rows it holds, newest delivery first; ``total`` counts all."""
    scope.require("steward", "supervisor")
    params: dict = {"state": state, "limit": limit}
    r = readable(scope, params, s="rows_set_aside", d="deliveries")
    return ask(
        con,
        f"""
        SELECT d.seq, s.delivery_id, d.source, d.file, d.record_table, d.received_at, s.reason,
               count(DISTINCT s.line) AS n, count(*) OVER () AS total
        FROM {r["s"]} AS s JOIN {r["d"]} AS d USING (delivery_id)
        {f"WHERE {STATE} = $state" if state else ""}
        GROUP BY ALL ORDER BY d.seq DESC, n DESC, s.reason LIMIT $limit
        """,
        params,
    )


def found(
    scope: Scope, con: duckdb.DuckDBPyConnection, *, source: str | None, reason: str | None, limit: int = 200
) -> pl.DataFrame:
    """One text that set open rows of a source aside for a reason: column_name, found, n, most first."""
    scope.require("steward", "supervisor")
    params: dict = {"source": source, "reason": reason, "limit": limit}
    r = readable(scope, params, s="rows_set_aside", d="deliveries")
    return ask(
        con,
        f"""
        SELECT s.column_name, s.found, count(DISTINCT (s.delivery_id, s.line)) AS n
        FROM {r["s"]} AS s JOIN {r["d"]} AS d USING (delivery_id)
        WHERE {STATE} = 'open' AND d.source = $source AND s.reason = $reason AND s.found IS NOT NULL
          AND s.column_name NOT IN {HIDDEN}
        GROUP BY ALL ORDER BY n DESC, s.column_name, s.found LIMIT $limit
        """,
        params,
    )


def acts(scope: Scope, con: duckdb.DuckDBPyConnection, *, limit: int = 100, offset: int = 0) -> pl.DataFrame:
    """One act at the desk, newest first: who, when, why, how many rows; ``total`` counts all."""
    scope.require("steward", "supervisor")
    params: dict = {"limit": limit, "offset": offset}
    r = readable(scope, params, a="desk_acts")
    return ask(
        con,
        f"""
        SELECT act_id, seq, kind, done_at, done_by, why, delivery_id, row_count, changes, count(*) OVER () AS total
        FROM {r["a"]} AS a ORDER BY act_id DESC LIMIT $limit OFFSET $offset
        """,
        params,
    )


def estates(scope: Scope, con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """One estate on record with its newest name: estate_id, name_zh, name_en."""
    scope.require("steward", "supervisor")
    params: dict = {}
    r = readable(scope, params, e="estates")
    return ask(
        con,
        f"""
        SELECT estate_id, arg_max(name_zh, valid_from) AS name_zh, arg_max(name_en, valid_from) AS name_en
        FROM {r["e"]} AS e GROUP BY estate_id ORDER BY estate_id
        """,
        params,
    )


def notes(scope: Scope, con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """One thing worth knowing of one delivery: delivery_id, note, params (JSON)."""
    scope.require("steward", "supervisor")
    params: dict = {}
    r = readable(scope, params, n="delivery_notes")
    return ask(con, f"SELECT delivery_id, note, params FROM {r['n']} AS n ORDER BY ALL", params)
