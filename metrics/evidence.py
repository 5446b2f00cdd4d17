"""From records to evidence: every metric's rows, each tied to the tenure that answers for it.

Ibis throughout, so the same expressions run on DuckDB here and on Spark elsewhere. Attribution follows
method.md section 1: a record belongs to the tenure covering its ``occurred_on`` (A1), gaps to nobody (A3), a
newcomer's first days are shown and not counted for metrics that say so (A5).
"""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from metrics.base import Metric, Records, Rules
from metrics.calendar import Quarter, quarters_up_to
from rules.book import FOREVER, Book


def index_rule(book: Book, last: Quarter):
    """The index's own rule in force on the period's last day."""
    return book.on(last.last, "index")


def quarter_table(last: Quarter, count: int) -> ir.Table:
    """One row per quarter: ``period``, ``start``, ``end`` (exclusive), ``last``, ``ordinal`` (0 = oldest)."""
    quarters = quarters_up_to(last, count)
    return ibis.memtable(
        {
            "period": [str(q) for q in quarters],
            "start": [q.start for q in quarters],
            "end": [q.end for q in quarters],
            "last": [q.last for q in quarters],
            "ordinal": list(range(count)),
        }
    )


def spells(tenures: ir.Table) -> ir.Table:
    """One row per tenure with the company's unbroken spell it belongs to.

    Neighbouring tenures of one company at one estate (a change of office head) are one spell; a gap or another
    company starts a new one. ``unit_id`` is the first tenure's id. Open ends become 9999-12-31.
    """
    rows = tenures.mutate(valid_to=tenures.valid_to.fill_null(ibis.date(FOREVER)))
    by_estate = ibis.window(group_by="estate_id", order_by="valid_from")
    rows = rows.mutate(
        starts=(
            (rows.company_id != rows.company_id.lag().over(by_estate))
            | (rows.valid_from != rows.valid_to.lag().over(by_estate))
        )
        .fill_null(True)
        .cast("int64")
    )
    rows = rows.mutate(spell=rows.starts.cumsum().over(by_estate))
    by_spell = ibis.window(group_by=("estate_id", "spell"), order_by="valid_from")
    return rows.mutate(
        unit_id=rows.tenure_id.first().over(by_spell),
        spell_from=rows.valid_from.min().over(ibis.window(group_by=("estate_id", "spell"))),
        spell_to=rows.valid_to.max().over(ibis.window(group_by=("estate_id", "spell"))),
    ).select(
        "tenure_id", "estate_id", "company_id", "head_id", "valid_from", "valid_to", "unit_id", "spell_from", "spell_to"
    )


def managed(tenures: ir.Table) -> ir.Table:
    """One row per company spell: ``unit_id, estate_id, company_id, valid_from, valid_to``."""
    return (
        spells(tenures)
        .group_by("unit_id", "estate_id", "company_id")
        .agg(valid_from=lambda t: t.spell_from.min(), valid_to=lambda t: t.spell_to.max())
    )


def records_of(tables: dict[str, ir.Table], last: Quarter, quarters: int) -> Records:
    """Bundle record tables with the helper tables of ``metrics.base.Records`` that are not given."""
    estates = tables["estates"]
    beside = {
        "quarters": quarter_table(last, quarters),
        "managed": managed(tables["tenures"]),
        "estate_days": estates.mutate(valid_to=estates.valid_to.fill_null(ibis.date(FOREVER))),
        "visit_factors": ibis.memtable([], schema={"inspection_id": "string", "factor": "float64"}),
        "closing_trust": ibis.memtable([], schema={"record_id": "string", "trust": "float64"}),
        "record_flags": ibis.memtable([], schema=dict.fromkeys(("record_table", "record_id", "kind"), "string")),
    }
    return Records(beside | tables, last.last)


def _divisor(rows: ir.Table, metric: Metric) -> ir.Value:
    """By what a row's failed points are divided: the inspector's factor, and no less than the share that failed, so that
    no more points fail than were looked at."""
    if metric.family == "severity":  # numerator = value x failed and square = value^2 x failed
        part = rows.numerator * rows.numerator / (rows.square * rows.denominator).nullif(0)
    else:
        part = (rows.denominator - rows.numerator) / rows.denominator
    return rows.factor.notnull().ifelse(ibis.greatest(rows.factor, part.fill_null(0.0)), ibis.null("float64"))


def evidence_of(name: str, metric: Metric, records: Records, book: Book, first: date, last: Quarter) -> ir.Table:
    """One metric's evidence, attributed: the columns of contract Evidence but for delivery, line and facts.

    Args:
        first: first day whose decided records are wanted (the start of the oldest quarter).
        last: the last quarter; records decided after it are left to the next edition.
    """
    rows = metric.evidence(records, Rules(book.file(f"metrics/{name}")))
    columns = rows.columns
    rows = rows.mutate(
        numerator=rows.numerator.cast("float64"),
        denominator=rows.denominator.cast("float64"),
        square=(rows.square if "square" in columns else rows.numerator * rows.numerator).cast("float64"),
        excluded=rows.excluded if "excluded" in columns else ibis.null("string"),
        record_table=rows.record_table if "record_table" in columns else ibis.literal(metric.record),
        factor=_divisor(rows, metric) if "factor" in columns else ibis.null("float64"),
        occurred_on=rows.occurred_on.cast("date"),
        decided_on=rows.decided_on.cast("date"),
    ).filter(lambda t: t.decided_on.between(ibis.date(first), ibis.date(last.last)))
    tenures = spells(records.tenures)
    found = rows.left_join(
        tenures,
        [
            rows.estate_id == tenures.estate_id,
            rows.occurred_on >= tenures.valid_from,
            rows.occurred_on < tenures.valid_to,
        ],
    )
    grace_days = index_rule(book, last)["grace_days"]
    if metric.grace:
        newcomer = found.occurred_on < found.spell_from + ibis.interval(days=grace_days)
        found = found.mutate(
            excluded=ibis.coalesce(found.excluded, newcomer.fill_null(False).ifelse("grace", ibis.null("string")))
        )
    return found.select(
        "estate_id",
        "tenure_id",
        "unit_id",
        "record_table",
        "record_id",
        "occurred_on",
        "decided_on",
        "numerator",
        "denominator",
        "square",
        "excluded",
        "factor",
        metric=ibis.literal(name),
        period=lambda t: t.decided_on.year().cast("string") + "Q" + t.decided_on.quarter().cast("string"),
    )
