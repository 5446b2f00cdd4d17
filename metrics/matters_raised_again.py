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
    """One row per closed complaint: was its matter raised again within the window after closing?

    Calls of one matter closed on one day are one closing: the first stands for them, the others are shown.
    """
    rows = rules.in_force(valid_complaints(records), "received_on", "window_days")
    rows = rows.mutate(matter=ibis.coalesce(rows.matter_id, rows.complaint_id))
    calls = rows.filter(rows.excluded.isnull()).select(
        call_estate="estate_id", call_matter="matter", call_on="received_on"
    )
    closed = rows.filter(rows.closed_on.notnull())
    closing = ibis.window(
        group_by=["estate_id", "matter", "closed_on"], order_by=[rows.excluded.notnull(), "received_on", "complaint_id"]
    )
    closed = closed.mutate(
        decided_on=closed.closed_on + closed.window_days.as_interval("D"), place=ibis.row_number().over(closing)
    )
    back = closed.semi_join(
        calls,
        [
            closed.estate_id == calls.call_estate,
            closed.matter == calls.call_matter,
            calls.call_on > closed.closed_on,
            calls.call_on <= closed.decided_on,
        ],
    ).select(back_id="record_id")
    closed = closed.left_join(back, closed.record_id == back.back_id)
    return closed.filter(closed.decided_on <= records.last_day).select(
        "estate_id",
        "record_id",
        "decided_on",
        occurred_on="received_on",
        numerator=closed.back_id.notnull().cast("float64"),
        denominator=ibis.literal(1.0),
        excluded=ibis.coalesce(closed.excluded, (closed.place > 0).ifelse("duplicate_call", ibis.null("string"))),
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
