"""Records with a flag of some kind (contract RecordFlag, metrics/record_flags), as the metrics ask for them."""

from __future__ import annotations

import ibis.expr.types as ir

from metrics.base import Records


def flagged(records: Records, table: str, *kinds: str) -> ir.Column:
    """The ids of one table's records that carry a flag of one of the kinds; for ``isin``."""
    flags = records.record_flags
    return flags.filter((flags.record_table == table) & flags.kind.isin(kinds)).record_id
