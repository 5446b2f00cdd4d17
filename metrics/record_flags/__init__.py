"""What stands beside records (method.md A6, 14.2, 14.3): facts about them, found for the whole district at once.

Dates that cannot be (an event after its own entry) or came long after; the same complaint through several channels; the
same hazard found twice in one place; proof, account or figures of a drill that are those of an earlier one. Two kinds are
cited each and scored once (``data.flag_tables.SCORED_ONCE``); the others change no score. None says how a record came about.
"""

from __future__ import annotations

import duckdb
import polars as pl

from data import flag_tables
from metrics.record_flags import dates, drills, repeats
from rules.book import Rule

ORDER = ("record_table", "record_id", "kind")
FACTS = """
    record_table VARCHAR, record_id VARCHAR, estate_id VARCHAR, day DATE, kind VARCHAR, days BIGINT, likeness DOUBLE,
    other_id VARCHAR, other_estate_id VARCHAR, other_day DATE
"""
#: The company's spell and the tenure that answer for a day.
ANSWERS = """
    LEFT JOIN edition.management AS m{n}
      ON m{n}.estate_id = f.{p}estate_id AND f.{p}day >= m{n}.valid_from AND f.{p}day < m{n}.valid_to
"""


def find(con: duckdb.DuckDBPyConnection, rule: Rule) -> dict[str, pl.DataFrame]:
    """Contracts RecordFlag and RecordRepeat.

    Args:
        con: the records in view, the edition being made attached as ``edition`` with its ``management`` and ``disputes``.
        rule: rules/record_flags.toml.
    """
    con.execute(f"CREATE OR REPLACE TEMP TABLE _facts ({FACTS})")
    for part in (dates, repeats, drills):
        part.insert(con, rule)
    con.execute(f"CREATE OR REPLACE TEMP TABLE _answered AS {_answered()}")
    found = {name: con.sql(f"SELECT {_columns(name)} FROM _answered AS f {where}").pl().sort(ORDER)
             for name, where in (("record_flags", ""), ("record_repeats", "WHERE other_id IS NOT NULL"))}  # fmt: skip
    con.execute("DROP TABLE _facts; DROP TABLE _answered")
    return found


def _answered() -> str:
    return f"""
        SELECT f.*, m1.unit_id, t.tenure_id, m2.unit_id AS other_unit_id
        FROM _facts AS f {ANSWERS.format(n=1, p="")} {ANSWERS.format(n=2, p="other_")}
        LEFT JOIN tenures AS t
          ON t.estate_id = f.estate_id AND f.day >= t.valid_from AND f.day < coalesce(t.valid_to, DATE '9999-12-31')
    """


def _columns(name: str) -> str:
    return ", ".join(flag_tables.TABLES[name].to_schema().columns)


__all__ = ["find"]
