"""Checks between rows: repeats of one key, references to records known, periods that overlap.

They run on the temporary table ``staged`` (``data.records.staging_sql``) once the whole file stands there, and move
what fails to ``failed``. What one row says alone is judged before, by its contract (``data/contracts.py``).
"""

from __future__ import annotations

import duckdb

from data.contracts import Table
from data.mapping import Source

#: Columns that must name a record already known: column -> (table, that table's column).
REFERENCES = {
    "estate_id": ("estates", "estate_id"),
    "company_id": ("companies", "company_id"),
    "head_id": ("office_heads", "head_id"),
    "inspection_id": ("inspections", "inspection_id"),
    "subdistrict_id": ("areas", "area_id"),
}
#: Tables of periods of which an estate may have one at a time -> reason for a row that overlaps another.
PERIODS = {"tenures": "overlapping_tenure", "estates": "overlapping_period"}
#: Reasons given here; what a row said as it came is read again from its file (``data.staging.as_delivered``).
BETWEEN_ROWS = ("contradicted_below", "unknown_reference", "who_is_this", *PERIODS.values())


def _reject(con: duckdb.DuckDBPyConnection, source: Source, where: str, column: str | None, reason: str) -> int:
    """Move staged rows that meet ``where`` to ``failed``; returns how many."""
    if not con.execute(f"SELECT 1 FROM staged AS s WHERE {where} LIMIT 1").fetchall():
        return 0  # most often nothing is wrong, and it takes but the column asked about to see that
    columns = ", ".join(f"'{c}', \"{c}\"" for c in source.table.columns)
    estate = "estate_id" if "estate_id" in source.table.columns else "NULL"
    found = f'"{column}"::VARCHAR' if column else "record_id"
    con.execute(
        f"""
        INSERT INTO failed
        SELECT '', line, $column, {found}, $reason, NULL, json_object({columns})::VARCHAR, {estate}, record_id
        FROM staged AS s WHERE {where}
        """,
        {"column": column, "reason": reason},
    )
    return con.execute(f"DELETE FROM staged AS s WHERE {where}").fetchall()[0][0]


def repeats(con: duckdb.DuckDBPyConnection, source: Source) -> tuple[int, int]:
    """Checks between rows of one key. Returns (rows that only repeat another row, rows contradicted by a later one)."""
    # as many hashes as rows: no record twice; two records of one hash only take the longer way
    hashes = con.sql("SELECT hash(record_id) AS h FROM staged").pl()["h"]
    if hashes.n_unique() == hashes.len():
        return 0, 0
    columns = ", ".join(f'"{c}"' for c in source.table.columns)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE again AS
        SELECT record_id, line, hash(({columns},)) AS said FROM staged
        WHERE record_id IN (SELECT record_id FROM staged GROUP BY ALL HAVING count(*) > 1)
        """
    )
    later = "line IN (SELECT a.line FROM again AS a JOIN again AS t ON t.record_id = a.record_id AND t.line > a.line{})"
    repeated = con.execute(f"DELETE FROM staged AS s WHERE {later.format(' AND t.said = a.said')}").fetchall()[0][0]
    contradicted = _reject(con, source, later.format(""), None, "contradicted_below")
    con.execute("DROP TABLE again")
    return repeated, contradicted


def cross_checks(con: duckdb.DuckDBPyConnection, source: Source) -> int:
    """Checks against other records: references, overlapping periods. Returns rows set aside."""
    table, rejected = source.table, 0
    for column, (other, key) in REFERENCES.items():
        if column in table.columns and table.name != other:
            known = f'SELECT "{key}" FROM {other} WHERE revised_by_seq IS NULL'
            rejected += _reject(
                con, source, f'"{column}" IS NOT NULL AND "{column}" NOT IN ({known})', column, "unknown_reference"
            )
    if table.name in PERIODS:
        rejected += _reject(con, source, _overlap_sql(table), "valid_from", PERIODS[table.name])
    return rejected


def _overlap_sql(table: Table) -> str:
    """True for a staged period that overlaps an earlier line's, or a stored one's that this file does not bring anew."""
    columns = "record_id, estate_id, valid_from, valid_to"
    return f"""
        EXISTS (
            SELECT 1
            FROM (
                SELECT {columns}, 0 AS line FROM {table.name}
                WHERE revised_by_seq IS NULL AND record_id NOT IN (SELECT record_id FROM staged)
                UNION ALL SELECT {columns}, line FROM staged
            ) AS t
            WHERE t.estate_id = s.estate_id AND t.record_id <> s.record_id AND t.line < s.line
              AND t.valid_from < coalesce(s.valid_to, DATE '9999-12-31')
              AND s.valid_from < coalesce(t.valid_to, DATE '9999-12-31')
        )"""
