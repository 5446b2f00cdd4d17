"""Complaints solved.

Unit        share of clear answers, 0 to 1
Row         one valid complaint, closed, whose call-back reached the caller and gave a clear answer
Leaves out  call-backs not reached or without a clear answer; exclusions as in metrics/complaints.py
Limit       none
Empty       no clear answers, no value
Rule        rules/metrics/complaints_solved.toml
Source      hotline orders: closed_on, reached, solved
"""

import ibis

from metrics.base import Metric
from metrics.complaints import valid_complaints


def evidence(records, rules):
    """One row per clear answer: did the caller say the matter was solved?"""
    rows = rules.in_force(valid_complaints(records), "received_on")
    rows = rows.filter(rows.reached.fill_null(False) & rows.solved.notnull() & rows.closed_on.notnull())
    return rows.filter(rows.closed_on <= records.last_day).select(
        "estate_id",
        "record_id",
        "excluded",
        occurred_on="received_on",
        decided_on="closed_on",
        numerator=rows.solved.cast("float64"),
        denominator=ibis.literal(1.0),
    )


METRIC = Metric(
    code="C03",
    family="proportion",
    record="complaints",
    unit="share",
    evidence=evidence,
    shows=("category", "received_on", "closed_on", "solved", "responsibility"),
    source="hotline",
)
