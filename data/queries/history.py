"""What was on record on any day, and how a record came to read as it does (view ``versions``).

A version is known from the moment of the delivery that brought it until that of the one that revised it. Everything older
stays: a correction is a new version beside the old.
"""

from __future__ import annotations

from datetime import date, datetime

import duckdb
import polars as pl

from data.queries import ask, readable
from data.scope import Scope

#: A version as it was known at the moment asked for.
KNOWN = "v.known_from <= $at AND (v.known_to IS NULL OR v.known_to > $at)"


def known(
    scope: Scope, con: duckdb.DuckDBPyConnection, *, table: str, at: datetime, search: str = "", limit: int = 50,
    offset: int = 0,
) -> pl.DataFrame:  # fmt: skip
    """One record of a table as it was known at a moment, by record id; ``total`` counts all.

    Args:
        search: part of a record id or of an estate id.

    Returns:
        ``record_id, estate_id, row_said`` (JSON), ``file, line, known_from, known_to`` and how many versions there are
        by now.
    """
    scope.require("steward", "supervisor")
    params = {"table": table, "at": at, "search": f"%{_plain(search)}%", "limit": limit, "offset": offset}
    r = readable(scope, params, v="versions")
    found = r"AND (v.record_id ILIKE $search ESCAPE '\' OR v.estate_id ILIKE $search ESCAPE '\')" if search else ""
    return ask(
        con,
        f"""
        WITH stood AS (
            SELECT *, count(*) OVER () AS total FROM {r["v"]} AS v WHERE v.record_table = $table AND {KNOWN} {found}
            ORDER BY v.record_id LIMIT $limit OFFSET $offset
        ),
        counted AS (
            SELECT record_id, count(*) AS versions FROM {r["v"]} AS v
            WHERE v.record_table = $table AND record_id IN (SELECT record_id FROM stood) GROUP BY ALL
        )
        SELECT record_id, estate_id, row_said, file, line, known_from, known_to, versions, total
        FROM stood JOIN counted USING (record_id) ORDER BY record_id
        """,
        params,
    )


def _plain(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")


def versions_of(scope: Scope, con: duckdb.DuckDBPyConnection, *, table: str, record_id: str | None) -> pl.DataFrame:
    """Every version of one record, oldest first."""
    scope.require("steward", "supervisor")
    params = {"table": table, "record": record_id}
    r = readable(scope, params, v="versions")
    return ask(
        con,
        f"""
        SELECT delivery_seq, file, line, known_from, known_to, row_said FROM {r["v"]} AS v
        WHERE v.record_table = $table AND v.record_id = $record ORDER BY delivery_seq
        """,
        params,
    )


def counts(scope: Scope, con: duckdb.DuckDBPyConnection, *, at: datetime) -> pl.DataFrame:
    """One table of records: how many were known at a moment, how many of them read otherwise or more are known now."""
    scope.require("steward", "supervisor")
    params = {"at": at}
    r = readable(scope, params, v="versions")
    return ask(
        con,
        f"""
        SELECT record_table, count(*) FILTER ({KNOWN}) AS stood, count(*) FILTER (v.known_to IS NULL) AS stands,
               count(*) FILTER ({KNOWN} AND v.known_to IS NOT NULL) AS revised_since
        FROM {r["v"]} AS v GROUP BY ALL ORDER BY stood DESC, record_table
        """,
        params,
    )


def since(scope: Scope, con: duckdb.DuckDBPyConnection, *, as_of: int, last: date) -> pl.DataFrame:
    """One table: records that came or were revised after delivery ``as_of``, of days up to ``last`` (registers: of any).

    Returns:
        ``record_table, added, revised, estates``; a table nothing came to is left out.
    """
    scope.require("steward", "supervisor")
    params = {"as_of": as_of, "last": last}
    r = readable(scope, params, v="versions")
    return ask(
        con,
        f"""
        WITH came AS (
            SELECT v.record_table, v.record_id, v.estate_id, o.record_id IS NOT NULL AS was
            FROM {r["v"]} AS v
            LEFT JOIN (SELECT record_table, record_id, revised_by_seq FROM {r["v"]}) AS o
              ON o.record_table = v.record_table AND o.record_id = v.record_id AND o.revised_by_seq = v.delivery_seq
            WHERE v.delivery_seq > $as_of AND (v.day IS NULL OR v.day <= $last)
        )
        SELECT record_table, count(*) FILTER (NOT was) AS added, count(*) FILTER (was) AS revised,
               count(DISTINCT estate_id) AS estates
        FROM came GROUP BY ALL ORDER BY record_table
        """,
        params,
    )
