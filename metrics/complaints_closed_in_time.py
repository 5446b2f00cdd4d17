"""Complaints closed in time.

Unit        share, 0 to 1
Row         one valid complaint about the company's duty that fell due
Leaves out  questions, suggestions, thanks; unreasonable demands as found; matters of other parties
Limit       the order's own deadline as extended; where none is on the order, the rule's days from receipt
Empty       no complaints, no value: silence is not proof of good service
Rule        rules/metrics/complaints_closed_in_time.toml
Source      hotline orders: received_at, due_on, extended_to, closed_on
"""

import ibis

from metrics.base import Metric
from metrics.complaints import valid_complaints


def evidence(records, rules):
    """One row per complaint that fell due: was it closed by its deadline?"""
    complaints = rules.in_force(valid_complaints(records), "received_on", "limit_days")
    due = ibis.coalesce(
        complaints.extended_to,
        complaints.due_on,
        complaints.received_on + complaints.limit_days.as_interval("D"),
    )
    return (
        complaints.mutate(deadline=due)
        .filter(lambda row: row.deadline <= records.last_day)
        .select(
            "estate_id",
            "record_id",
            "excluded",
            occurred_on="received_on",
            decided_on="deadline",
            numerator=lambda row: (row.closed_on <= row.deadline).fill_null(False).cast("float64"),
            denominator=ibis.literal(1.0),
        )
    )


METRIC = Metric(
    code="C02",
    family="proportion",
    record="complaints",
    unit="share",
    evidence=evidence,
    shows=("category", "received_on", "due_on", "extended_to", "closed_on", "responsibility"),
    source="hotline",
)
