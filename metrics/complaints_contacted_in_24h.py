"""Complaints contacted in 24 hours.

Unit        share, 0 to 1
Row         one valid complaint with a known moment of receipt whose contact limit has passed
Leaves out  complaints whose limit had not passed by the period's end; exclusions as in metrics/complaints.py
Limit       the rule's hours from receipt to first contact
Empty       no complaints, no value: silence is not proof of good service
Rule        rules/metrics/complaints_contacted_in_24h.toml
Source      hotline orders: received_at, first_contact_at
"""

import ibis

from metrics.base import Metric
from metrics.complaints import valid_complaints


def evidence(records, rules):
    """One row per complaint: was the caller contacted within the hours allowed?"""
    rows = rules.in_force(valid_complaints(records), "received_on", "limit_hours")
    rows = rows.filter(rows.received_at.notnull())
    seconds = rows.first_contact_at.delta(rows.received_at, unit="second")
    days = (rows.limit_hours / 24).ceil().cast("int64")
    rows = rows.mutate(
        decided_on=rows.received_on + days.as_interval("D"),
        met=(seconds <= rows.limit_hours * 3600).fill_null(False),
    )
    return rows.filter(rows.decided_on <= records.last_day).select(
        "estate_id",
        "record_id",
        "excluded",
        "decided_on",
        occurred_on="received_on",
        numerator=rows.met.cast("float64"),
        denominator=ibis.literal(1.0),
    )


METRIC = Metric(
    code="C01",
    family="proportion",
    record="complaints",
    unit="share",
    evidence=evidence,
    shows=("category", "received_at", "first_contact_at", "responsibility"),
    source="hotline",
)
