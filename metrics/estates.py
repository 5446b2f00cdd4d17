"""The estate register as it stood on a record's own day."""

from __future__ import annotations

import ibis.expr.types as ir

from metrics.base import Records


def with_estate(records: Records, rows: ir.Table, day: str, *columns: str) -> ir.Table:
    """Add register ``columns`` of the row's estate as valid on ``day``; NULL where the register did not know it."""
    register = records.estate_days.select(
        *columns, register_estate="estate_id", register_from="valid_from", register_to="valid_to"
    )
    found = rows.left_join(
        register,
        [
            rows.estate_id == register.register_estate,
            rows[day] >= register.register_from,
            rows[day] < register.register_to,
        ],
    )
    return found.drop("register_estate", "register_from", "register_to")


def is_highrise(rows: ir.Table) -> ir.BooleanValue:
    """High-rise residential by class or by the register's block count (HR5 50)."""
    return (rows.estate_class.isin(("HR", "SH")) | (rows.highrise_blocks > 0)).fill_null(False)


def with_handover(records: Records, rows: ir.Table, first: str, last: str) -> ir.Table:
    """Add ``handed_over``: another company (or the first one) came on a day after ``first``, up to ``last``.

    What such a record says belongs to two companies; it is counted for the estate and held against neither.
    """
    came = records.managed.select(managed_estate="estate_id", came="valid_from")
    found = rows.select("record_id", "estate_id", first, last).join(
        came,
        [
            rows.estate_id == came.managed_estate,
            came.came > rows[first],
            came.came <= rows[last],
        ],
    )
    found = found.select(handed_record="record_id").distinct()
    marked = rows.left_join(found, rows.record_id == found.handed_record)
    return marked.mutate(handed_over=marked.handed_record.notnull()).drop("handed_record")
