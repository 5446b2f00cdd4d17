"""Matters raised again.

Unit        share of closed matters, 0 to 1; lower is better
Row         one valid complaint whose time for coming back has passed since it was closed
Leaves out  complaints closed too recently to tell; exclusions as in metrics/complaints.py
Limit       the rule's months after closing
Empty       nothing closed, no value
Rule        rules/metrics/matters_raised_again.toml
Source      hotline orders: matter_id, received_on, closed_on
"""

import ibis

from metrics.base import Metric
from metrics.complaints import valid_complaints


def evidence(records, rules):
    """One row per closed complaint: did the same matter come back within the window?"""
    rows = rules.in_force(valid_complaints(records), "received_on", "window_days")
    rows = rows.mutate(matter=ibis.coalesce(rows.matter_id, rows.complaint_id))
    in_matter = ibis.window(group_by=["estate_id", "matter"], order_by=["received_on", "complaint_id"])
    rows = rows.mutate(next_on=rows.received_on.lead().over(in_matter))
    rows = rows.filter(rows.closed_on.notnull())
    rows = rows.mutate(decided_on=rows.closed_on + rows.window_days.as_interval("D"))
    again = (rows.next_on > rows.closed_on) & (rows.next_on <= rows.decided_on)
    return rows.filter(rows.decided_on <= records.last_day).select(
        "estate_id",
        "record_id",
        "excluded",
        "decided_on",
        occurred_on="received_on",
        numerator=again.fill_null(False).cast("float64"),
        denominator=ibis.literal(1.0),
    )


METRIC = Metric(
    code="C06",
    family="proportion",
    record="complaints",
    unit="share",
    evidence=evidence,
    shows=("category", "received_on", "closed_on", "matter_id", "responsibility"),
    source="hotline",
)
