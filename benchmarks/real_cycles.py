"""First evaluations and those that follow a poor one: Toronto's file names no reason of a visit (method.md A7).

The city evaluates every building each cycle, a poorly scored one again within a year. A second visit finds what the first
had mended, and is made because of what the first found: counted beside it, repair looks like noise. So a building's cycle
starts with its first evaluation, and with the first one CYCLE_MONTHS or more after the last start; what lies between is a
follow-up, shown and not counted. The rule looks at days alone, never at a score.
"""

from __future__ import annotations

import duckdb
import polars as pl

#: The shortest round of all buildings is two years; rounds came up to six months early, follow-ups after 8 to 16 months.
CYCLE_MONTHS = 18

_STARTS = """
    CREATE OR REPLACE TEMP TABLE cycle_starts AS
    WITH RECURSIVE starts AS (
        SELECT estate_id, min(inspected_on) AS day FROM inspections WHERE trigger = 'routine' GROUP BY estate_id
        UNION ALL
        SELECT s.estate_id, min(i.inspected_on)
        FROM starts AS s
        JOIN inspections AS i
          ON i.estate_id = s.estate_id AND i.trigger = 'routine'
         AND i.inspected_on >= s.day + to_months($months::INT)
        GROUP BY s.estate_id, s.day
    )
    SELECT estate_id, day FROM starts
"""
_VISITS = """
    CREATE TEMP VIEW inspections AS
    SELECT i.* REPLACE (
        CASE WHEN i.trigger = 'routine' AND s.day IS NULL THEN 'follow_up' ELSE i.trigger END AS trigger
    )
    FROM visits_as_given AS i LEFT JOIN cycle_starts AS s ON s.estate_id = i.estate_id AND s.day = i.inspected_on
"""


def follow_ups_apart(con: duckdb.DuckDBPyConnection, months: int = CYCLE_MONTHS) -> tuple[int, int]:
    """Show ``inspections`` with what is no first of a cycle as ``follow_up``; the numbers of firsts and follow-ups.

    Args:
        con: shows the records (``data.records.attach_records``).
    """
    con.execute(_STARTS, {"months": months})
    con.execute("ALTER VIEW inspections RENAME TO visits_as_given")
    con.execute(_VISITS)
    found = con.execute(
        "SELECT count(*) FILTER (trigger = 'routine'), count(*) FILTER (trigger = 'follow_up') FROM inspections"
    ).fetchall()
    return found[0]


def repeated(con: duckdb.DuckDBPyConnection, scores: pl.DataFrame) -> pl.DataFrame:
    """How one cycle's first score tells the next one's of the same building: one row per pair of years.

    Pearson's correlation of two looks at one thing is the reliability of one look, less what truly changed between them.

    Args:
        con: after ``follow_ups_apart``. scores: ``estate_id, day, published``.
    """
    starts = con.sql("SELECT estate_id, day FROM cycle_starts").pl()
    firsts = scores.join(starts, on=["estate_id", "day"]).sort("estate_id", "day")
    one = pl.col("published").shift().over("estate_id")
    pairs = firsts.with_columns(earlier=one, cycle=pl.col("day").shift().over("estate_id").dt.year()).drop_nulls()
    rise = pl.col("published") - pl.col("earlier")
    found = pairs.group_by("cycle", following=pl.col("day").dt.year()).agg(
        buildings=pl.len(), correlation=pl.corr("earlier", "published"), rise=rise.mean(), sd_of_rise=rise.std()
    )
    return found.filter(pl.col("buildings") >= 100).sort("cycle", "following").with_columns(pl.col(pl.Float64).round(2))
