"""Records an upheld objection ruled on: taken out, or given to another estate.

They leave (or change estate in) the records themselves before anything is computed, so that nothing that rests on them sees
them either: a hazard that came back after an excluded one is no recurrence. What they were stays visible: every row of evidence
that a ruling took away is put back, marked, counting for nothing.
"""

from __future__ import annotations

import duckdb
import ibis.expr.operations as ops
import ibis.expr.types as ir
import polars as pl

from data.contracts import TABLES

UPHELD, REASSIGNED = "objection_upheld", "reassigned"  # word keys below ``excluded.``
BEFORE = "{}_before_rulings"
ITEMS, VISITS = "inspection_items", "inspections"
#: Rows of evidence that still stand as they did leave ``_rows``; the others are marked by the ruling on their record, an
#: item's by the one on its visit, and those that only rested on such a record as the ruling was.
GONE = """
    CREATE OR REPLACE TEMP TABLE _gone AS
    SELECT e.* REPLACE (coalesce(own.word, visit.word, $upheld) AS excluded)
    FROM _rows AS e
    ANTI JOIN (SELECT * FROM edition.evidence WHERE metric = $metric) AS v
      ON v.record_table = e.record_table AND v.record_id = e.record_id AND v.estate_id = e.estate_id
     AND v.decided_on = e.decided_on
    LEFT JOIN rulings AS own ON own.record_table = e.record_table AND own.record_id = e.record_id
    LEFT JOIN rulings AS visit
      ON e.record_table = $items AND visit.record_table = $visits
     AND visit.record_id = split_part(e.record_id, '/', 1)
"""


def apply(con: duckdb.DuckDBPyConnection, rulings: pl.DataFrame) -> tuple[str, ...]:
    """Show the records as ruled; returns the tables concerned, which stay visible as they were (``before``).

    Args:
        rulings: contract Ruling. A record without an estate of its own, or reassigned to no estate of the register, is
            taken out.
    """
    rows = rulings.filter(pl.col("record_table").is_in(list(TABLES)))
    rows = rows.select(
        "record_table", "record_id", "ruling", "to_estate",
        word=pl.when(pl.col("ruling") == "reassign").then(pl.lit(REASSIGNED)).otherwise(pl.lit(UPHELD)),
    )  # fmt: skip
    con.register("_rulings", rows.to_arrow())
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE rulings AS
        SELECT * REPLACE (CASE WHEN ruling = 'reassign' AND to_estate IN (SELECT estate_id FROM estates)
                          THEN to_estate END AS to_estate)
        FROM _rulings
        """
    )
    con.unregister("_rulings")
    named = sorted(n for n in rows["record_table"].unique() if TABLES[n].day or n == ITEMS)
    concerned = sorted({*named, ITEMS}) if VISITS in named else named
    for name in concerned:
        _show(con, name)
    return tuple(concerned)


def _show(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """Put a view of a record table as ruled in the place of the table's own."""
    con.execute(f"ALTER VIEW {name} RENAME TO {before(name)}")
    moved = "REPLACE (coalesce(r.to_estate, a.estate_id) AS estate_id)" if "estate_id" in TABLES[name].columns else ""
    stays = "(r.record_id IS NULL OR r.to_estate IS NOT NULL)" if moved else "r.record_id IS NULL"
    whole = (
        f"AND a.inspection_id NOT IN (SELECT record_id FROM rulings WHERE record_table = '{VISITS}' AND to_estate IS NULL)"
        if name == ITEMS
        else ""
    )
    con.execute(
        f"""
        CREATE TEMP VIEW {name} AS
        SELECT a.* {moved}
        FROM {before(name)} AS a
        LEFT JOIN rulings AS r ON r.record_table = '{name}' AND r.record_id = a.record_id
        WHERE {stays} {whole}
        """
    )


def before(name: str) -> str:
    """The view that shows a record table as it was before the rulings."""
    return BEFORE.format(name)


def rests_on(rows: ir.Table, concerned: tuple[str, ...]) -> bool:
    """Whether an expression over the records before the rulings reads a table they concern."""
    read = {op.name for op in rows.op().find(ops.DatabaseTable)}
    return bool(read & {before(name) for name in concerned})


def mark_named(con: duckdb.DuckDBPyConnection, metric: str) -> None:
    """Mark evidence of a ruled-out key that is no record of its own, such as a duty without a drill behind it."""
    con.execute(
        """
        UPDATE edition.evidence AS v SET excluded = r.word
        FROM rulings AS r
        WHERE v.metric = $metric AND r.record_table = v.record_table AND r.record_id = v.record_id
          AND r.to_estate IS NULL
        """,
        {"metric": metric},
    )


def keep_gone(con: duckdb.DuckDBPyConnection, metric: str) -> None:
    """Leave in ``_rows`` only the evidence of a metric that rulings took away, marked."""
    asked = {"metric": metric, "upheld": UPHELD, "items": ITEMS, "visits": VISITS}
    con.execute(GONE, asked)
    con.execute("DROP TABLE _rows")
    con.execute("ALTER TABLE _gone RENAME TO _rows")
