"""Hazard recurrence rate.

Unit        share, 0 to 1 (lower is better)
Row         one hazard the company put right, once the rule's days since have passed
Leaves out  hazards another party must fix, and hazards under objection (shown, not counted; nor do they count as a
            recurrence); where the company changed within the days, the row counts for the estate alone
Limit       the window of the day the hazard was put right
Empty       nothing put right long enough ago, no value
Rule        rules/metrics/hazard_recurrence_rate.toml
Source      hazards: hazard_type, location, rectified_on, verified_result, found_on
"""

import ibis

from metrics.base import Metric
from metrics.estates import with_handover
from metrics.hazards import hazards


def evidence(records, rules):
    """One row per hazard put right: was one of its type found again there within the window?"""
    every = hazards(records)
    closed = rules.in_force(every.filter(every.closed_on.notnull()), "closed_on", "window_days")
    closed = closed.mutate(window_end=closed.closed_on + closed.window_days.as_interval("D"))
    closed = with_handover(records, closed.filter(closed.window_end <= records.last_day), "closed_on", "window_end")
    again = every.filter(every.excluded.isnull()).select(
        again_estate="estate_id", again_type="hazard_type", again_on="found_on", again_at="location"
    )
    returned = closed.select("record_id", "estate_id", "hazard_type", "location", "closed_on", "window_end").join(
        again,
        [
            closed.estate_id == again.again_estate,
            closed.hazard_type == again.again_type,
            again.again_on > closed.closed_on,
            again.again_on <= closed.window_end,
            closed.location.isnull() | (closed.location == again.again_at).fill_null(False),
        ],
    )
    returned = returned.select(returned_record="record_id").distinct()
    rows = closed.left_join(returned, closed.record_id == returned.returned_record)
    return rows.select(
        "estate_id",
        "record_id",
        occurred_on="closed_on",
        decided_on="window_end",
        numerator=rows.returned_record.notnull().cast("float64"),
        denominator=1.0,
        excluded=ibis.coalesce(rows.excluded, rows.handed_over.ifelse("grace", ibis.null("string"))),
    )


METRIC = Metric(
    code="H03",
    family="proportion",
    record="hazards",
    unit="share",
    evidence=evidence,
    shows=("hazard_type", "location", "found_on", "rectified_on", "verified_result", "responsible_party"),
    source="inspection",
)
