"""Evidence into the edition: each metric's rows with their file, line and facts, and what rulings took away beside them."""

from __future__ import annotations

import ibis.expr.types as ir

from metrics import ruled
from metrics.base import Metric, Records
from metrics.evidence import evidence_of
from metrics.workplace import Workplace


def _facts(metric: Metric, table: str, columns: list[str]) -> str:
    shown = [c for c in metric.shows if c in columns]
    if not shown:
        return "NULL"
    pairs = ", ".join(f"'{c}', r.\"{c}\"" for c in shown)
    return f"CASE WHEN r.record_id IS NULL THEN NULL ELSE json_object({pairs})::VARCHAR END"


def insert_evidence(
    work: Workplace, name: str, metric: Metric, records: Records, were: Records | None = None
) -> None:  # fmt: skip
    """Append one metric's evidence, each row with its delivery, line and the facts shown beside it.

    Args:
        were: the records before the rulings; the evidence that rests on what changed is kept beside, marked.
    """
    con = work.con
    _select(work, evidence_of(name, metric, records, work.book, work.first, work.last))
    _append(work, metric, records, ())
    if were is None:
        return
    ruled.mark_named(con, name)
    rows = evidence_of(name, metric, were, work.book, work.first, work.last)
    if ruled.rests_on(rows, work.ruled):
        _select(work, rows)
        ruled.keep_gone(con, name)
        _append(work, metric, were, work.ruled)


def _select(work: Workplace, rows: ir.Table) -> None:
    work.backend.create_table("_rows", rows, temp=True)


def _append(work: Workplace, metric: Metric, records: Records, ruled_on: tuple[str, ...]) -> None:
    """Append temporary table ``_rows`` to the evidence and drop it; of tables ``ruled_on`` as they were before."""
    con = work.con
    sources = [r[0] for r in con.execute("SELECT DISTINCT record_table FROM _rows").fetchall()]
    for source in sorted(sources):
        columns = list(records._tables[source].columns)
        line = "r.delivery_id, r.line" if "line" in columns else "NULL, NULL"
        con.execute(
            f"""
            INSERT INTO edition.evidence
            SELECT e.metric, e.period, e.estate_id, e.tenure_id, e.unit_id, e.record_table, e.record_id,
                   {line}, e.occurred_on, e.decided_on, e.numerator, e.denominator, e.square, e.excluded,
                   {_facts(metric, source, columns)}, e.factor
            FROM _rows AS e
            LEFT JOIN {ruled.before(source) if source in ruled_on else source} AS r ON r.record_id = e.record_id
            WHERE e.record_table = $source
            """,
            {"source": source},
        )
    con.execute("DROP TABLE _rows")
