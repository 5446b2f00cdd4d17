"""Sanctions that stand: what was decided and is still in force on each quarter's last day."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from metrics.base import Records
from rules.book import FOREVER


def standing_each_quarter(records: Records, kind: str) -> ir.Table:
    """One row of evidence per final sanction of ``kind`` and quarter on whose last day it stands.

    A quarter's rows share the denominator 1 between them, so that their sum over it is the number in force.
    """
    rows = records.sanctions.filter(
        (records.sanctions.kind == kind) & (records.sanctions.status == "final") & records.sanctions.estate_id.notnull()
    )
    quarters = records.quarters.select(day="last")
    rows = rows.join(
        quarters,
        [rows.decided_on <= quarters.day, rows.stands_until.fill_null(ibis.date(FOREVER)) > quarters.day],
    )
    share = 1.0 / rows.record_id.count().over(ibis.window(group_by=["estate_id", "day"])).cast("float64")
    return rows.select(
        "estate_id",
        "record_id",
        occurred_on="decided_on",
        decided_on="day",
        numerator=ibis.literal(1.0),
        denominator=share,
    )
