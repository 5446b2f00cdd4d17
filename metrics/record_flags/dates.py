"""Records dated after their own entry or arrival, or entered long after the event (domain.md D01, D02; method.md 14.3)."""

from __future__ import annotations

import duckdb

from data.contracts import TABLES
from data.views import ZONE
from rules.book import Rule

#: Records of the estates' life, with the day of the event; registers and sanctions have no such entry.
WATCHED = {
    name: table.day
    for name, table in TABLES.items()
    if table.day and {"estate_id", "recorded_on"} <= set(table.columns) and name != "sanctions"
}


def insert(con: duckdb.DuckDBPyConnection, rule: Rule) -> None:
    """Append to ``_facts``: ``dated_ahead`` with the days from entry to event, ``entered_long_after`` with those back, and
    of records without a day of entry ``dated_after_delivery`` with the days from the arrival of their file."""
    rows = " UNION ALL ".join(
        f"SELECT '{name}' AS record_table, record_id, delivery_id, estate_id, {day} AS day, recorded_on FROM {name}"
        for name, day in WATCHED.items()
    )
    con.execute(
        f"""
        INSERT INTO _facts BY NAME
        WITH came AS (SELECT delivery_id, timezone('{ZONE}', received_at)::DATE AS came_on FROM deliveries),
        told AS (
            SELECT r.*, coalesce(r.recorded_on, c.came_on) AS known_on
            FROM ({rows}) AS r LEFT JOIN came AS c USING (delivery_id) WHERE r.estate_id IS NOT NULL
        )
        SELECT record_table, record_id, estate_id, day, abs(known_on - day) AS days,
               CASE WHEN recorded_on IS NULL THEN 'dated_after_delivery' WHEN known_on < day THEN 'dated_ahead'
                    ELSE 'entered_long_after' END AS kind
        FROM told
        WHERE CASE WHEN recorded_on IS NULL THEN known_on < day ELSE known_on - day NOT BETWEEN 0 AND $late END
        """,
        {"late": rule["late_days"]},
    )
