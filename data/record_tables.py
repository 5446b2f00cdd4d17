"""The record tables as they lie in the store, and as everybody sees them.

A column stands in the store from the first delivery that fills it, and ``record_id`` (the key columns joined by ``/``) is
told from them, not stored: of a row of complaints over half of the columns are empty, and writing them takes as long as the
rest. Whoever reads sees whole tables all the same: temporary views with every column of the contract stand before the
tables, whose own names are ``STORED``'s. A store made by an earlier version, whose tables hold more, is read and written as
it is.
"""

from __future__ import annotations

import duckdb
import polars as pl

from data.contracts import TABLES, Table

#: Catalogue and schema of the tables themselves where the store's own file (``data.records.FILE``) was opened.
STORED = "records.main"
DUCK = {"String": "VARCHAR", "Date": "DATE", "Int64": "BIGINT", "Float64": "DOUBLE", "Boolean": "BOOLEAN"}
#: Where a row came from, beside the contract's own columns.
ORIGIN = ("record_id", "delivery_id", "line")
#: Which deliveries knew it.
KNOWN = ("delivery_seq", "revised_by_seq")
VERSION = "delivery_id VARCHAR NOT NULL, line BIGINT NOT NULL, delivery_seq INTEGER NOT NULL, revised_by_seq INTEGER"


def sql_type(kind: object) -> str:
    """DuckDB type of a contract column's polars type."""
    return DUCK.get(str(kind), "TIMESTAMPTZ")


def _columns_sql(table: Table, names: list[str]) -> str:
    return "".join(f'"{n}" {sql_type(table.columns[n])}, ' for n in names)


def record_id_sql(table: Table) -> str:
    """The ``record_id`` of a row from its key columns."""
    keys = ", ".join(f'"{k}"::VARCHAR' for k in table.key)
    return f"concat_ws('/', {keys})"


def created(table: Table) -> str:
    """The statement that makes a record table with its key alone, where there is none."""
    return f"CREATE TABLE IF NOT EXISTS {STORED}.{table.name} ({_columns_sql(table, list(table.key))}{VERSION})"


def held(con: duckdb.DuckDBPyConnection, catalogue: str) -> dict[str, set[str]]:
    """Record table -> the columns it has in the store attached under this name."""
    found = con.execute(
        "SELECT table_name, list(column_name) FROM duckdb_columns() WHERE database_name = $catalogue GROUP BY ALL",
        {"catalogue": catalogue},
    ).fetchall()
    return {name: set(columns) for name, columns in found}


def whole_sql(table: Table, has: set[str], place: str) -> str:
    """A record table below ``place`` with every column of its contract, ORIGIN and KNOWN; NULL for what was never filled."""
    columns = (f'"{c}"' if c in has else f'NULL::{sql_type(kind)} AS "{c}"' for c, kind in table.columns.items())
    record_id = "record_id" if "record_id" in has else f"{record_id_sql(table)} AS record_id"
    return f"SELECT {', '.join(columns)}, {record_id}, {', '.join((*ORIGIN[1:], *KNOWN))} FROM {place}.{table.name}"


def show_whole(con: duckdb.DuckDBPyConnection, tables: dict[str, Table] = TABLES) -> None:
    """Let this connection to the store's own file see whole tables under their names."""
    has = held(con, STORED.split(".")[0])
    for table in tables.values():
        con.execute(f"CREATE OR REPLACE TEMP VIEW {table.name} AS {whole_sql(table, has[table.name], STORED)}")


def filled(con: duckdb.DuckDBPyConnection, table: Table) -> list[str]:
    """The columns of ``staged`` that the store holds; those it lacked and that say something there are added first."""
    has = held(con, STORED.split(".")[0])[table.name]
    lacking = [c for c in table.columns if c not in has]
    counts = ", ".join(["count(*)", *(f'count("{c}")' for c in lacking)])
    said = con.execute(f"SELECT {counts} FROM staged").fetchall()[0][1:]
    new = [c for c, n in zip(lacking, said, strict=True) if n]
    for c in new:
        con.execute(f'ALTER TABLE {STORED}.{table.name} ADD COLUMN "{c}" {sql_type(table.columns[c])}')
    if new:
        show_whole(con, {table.name: table})
    return [c for c in (*table.columns, "record_id") if c in has or c in new]


def allowed(table: Table, column: str) -> list[str]:
    """The codes of an enumeration, in the contract's order; empty for other columns."""
    checks = table.contract.to_schema().columns[column].checks
    return next((list(c.statistics["allowed_values"]) for c in checks if c.name == "isin"), [])


def _enum(table: Table, column: str) -> str | None:
    """The DuckDB type of a text column that holds codes alone: a byte of each, not its letters."""
    codes = ", ".join(f"'{code}'" for code in allowed(table, column))
    return f"ENUM ({codes})" if codes and table.columns[column] == pl.String else None


def staged_sql(table: Table, unfilled: frozenset[str] = frozenset(), *, coded: bool = False) -> str:
    """The statement that makes the empty temporary table ``staged``: the contract's columns, ``record_id`` and ``line``.

    Columns that nothing of a file fills are NULL by definition and take neither time nor room; ``coded`` columns of codes take
    a byte a row. The columns are written out: DuckDB 2.0.0 reads a table made by ``CREATE TABLE ... AS SELECT`` as empty once
    more than a row group (122,880 rows) is inserted in the same transaction.
    """
    columns = "".join(
        f'"{name}" {(coded and _enum(table, name)) or sql_type(kind)}'
        + (" GENERATED ALWAYS AS (NULL) VIRTUAL, " if name in unfilled else ", ")
        for name, kind in table.columns.items()
    )
    record_id = f"record_id VARCHAR GENERATED ALWAYS AS ({record_id_sql(table)}) VIRTUAL"
    return f"CREATE OR REPLACE TEMP TABLE staged ({columns}{record_id}, line BIGINT NOT NULL)"
