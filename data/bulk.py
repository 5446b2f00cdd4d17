"""Rows set aside that share one mistake: the edits that mend them all alike.

Read from the views of ``data.records.attach_records``; ``data/mending.py`` judges and stores what comes of them.
"""

from __future__ import annotations

import duckdb
import polars as pl

from data.mapping import Source

#: Open rows of one reason and source, each with its original once.
ALIKE = """
    SELECT s.delivery_id, s.line, min(s.original) AS original
    FROM rows_set_aside AS s JOIN deliveries AS d USING (delivery_id)
    WHERE s.reason = $reason AND d.source = $source AND s.settled_how IS NULL {more}
    GROUP BY ALL ORDER BY 1, 2
"""


def as_they_came(con: duckdb.DuckDBPyConnection, source: str, reason: str) -> pl.DataFrame:
    """Every open row of one reason as it came (``delivery_id, line, after``): for trying again."""
    asked = {"reason": reason, "source": source}
    return con.sql(f"SELECT delivery_id, line, original AS after FROM ({ALIKE.format(more='')})", params=asked).pl()


def replaced(
    con: duckdb.DuckDBPyConnection, source: Source, reason: str, column: str, found: str, value: str
) -> pl.DataFrame:
    """Every open row of one reason that says ``found`` in ``column``, with ``value`` in its place.

    Args:
        column: a contract column; under which heading it was delivered is told by the source.

    Returns:
        ``delivery_id, line, after``; rows that hold no heading of the column are left out.
    """
    headings = [*source.columns.get(column, ()), column]
    held = ", ".join(
        f"CASE WHEN list_contains(json_keys(original), $h{i}) THEN $h{i} END" for i in range(len(headings))
    )
    more = "AND s.column_name = $column AND s.found = $found"
    params = {"reason": reason, "source": source.name, "column": column, "found": found, "value": value}
    return con.sql(
        f"""
        SELECT delivery_id, line, json_merge_patch(original, json_object(heading, $value))::VARCHAR AS after
        FROM (SELECT *, coalesce({held}) AS heading FROM ({ALIKE.format(more=more)}))
        WHERE heading IS NOT NULL
        """,
        params=params | {f"h{i}": h for i, h in enumerate(headings)},
    ).pl()
