"""Records dated after their own entry.

Unit        share of records, 0 to 1; lower is better
Row         one record of the estate's life with a known day of entry
Leaves out  records without a day of entry
Limit       none: nothing can be on record before it happened
Empty       no dated records, no value
Rule        rules/metrics/future_dated_records.toml
Source      record_flags (dated_ahead): recorded_on beside each record's own day
"""

import ibis

from metrics.base import Metric
from metrics.flagged import flagged
from metrics.record_flags.dates import WATCHED


def evidence(records, rules):
    """One row per record with a day of entry: does its own day lie after it?

    It counts on the day of entry: the day it speaks of may lie after the period.
    """

    def of(table: str, day: str):
        rows = getattr(records, table)
        rows = rows.filter(rows.estate_id.notnull() & rows.recorded_on.notnull())
        return rows.select(
            "estate_id", "record_id", decided_on="recorded_on", occurred_on=ibis.least(rows[day], rows.recorded_on),
            numerator=rows.record_id.isin(flagged(records, table, "dated_ahead")).cast("float64"),
            denominator=ibis.literal(1.0), record_table=ibis.literal(table),
        )  # fmt: skip

    rows = rules.in_force(ibis.union(*[of(t, d) for t, d in WATCHED.items()]), "decided_on")
    return rows.filter(rows.decided_on <= records.last_day)


METRIC = Metric(
    code="D02",
    family="proportion",
    record="complaints",
    unit="share",
    evidence=evidence,
    shows=("recorded_on", *WATCHED.values()),
    source="register",
)
