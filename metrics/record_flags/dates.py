"""Records dated after their own entry, or entered long after the event (domain.md D01, D02; method.md 14.3)."""

from __future__ import annotations

import duckdb

from data.contracts import TABLES
from rules.book import Rule

#: Records of the estates' life, with the day of the event; registers and sanctions have no such entry.
WATCHED = {
    name: table.day
    for name, table in TABLES.items()
    if table.day and {"estate_id", "recorded_on"} <= set(table.columns) and name != "sanctions"
}


def insert(con: duckdb.DuckDBPyConnection, rule: Rule) -> None:
    """Append to ``_facts``: ``dated_ahead`` with the days from entry to event, ``entered_long_after`` with those back."""
    rows = " UNION ALL ".join(
        f"SELECT '{name}' AS record_table, record_id, estate_id, {day} AS day, recorded_on FROM {name}"
        for name, day in WATCHED.items()
    )
    con.execute(
        f"""
        INSERT INTO _facts BY NAME
        SELECT record_table, record_id, estate_id, day, abs(recorded_on - day) AS days,
               CASE WHEN recorded_on < day THEN 'dated_ahead' ELSE 'entered_long_after' END AS kind
        FROM ({rows})
        WHERE estate_id IS NOT NULL AND recorded_on - day NOT BETWEEN 0 AND $late
        """,
        {"late": rule["late_days"]},
    )
