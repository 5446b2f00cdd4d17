"""Records entered in time.

Unit        share of records, 0 to 1
Row         one complaint, hazard, visit, drill or incident with a known day of entry
Leaves out  records without a day of entry
Limit       the rule's days from the event to the entry
Empty       no dated records, no value
Rule        rules/metrics/records_in_time.toml
Source      recorded_on beside each record's own day
"""

import ibis

from metrics.base import Metric

#: Tables whose entry is watched, with the day of the event.
WATCHED = {
    "complaints": "received_on",
    "hazards": "found_on",
    "inspections": "inspected_on",
    "fire_drills": "held_on",
    "incidents": "occurred_on",
}


def evidence(records, rules):
    """One row per record of the watched tables: was it entered within the days allowed?"""

    def of(table: str, day: str):
        rows = getattr(records, table)
        rows = rows.filter(rows.estate_id.notnull() & rows.recorded_on.notnull())
        return rows.select(
            "estate_id", "record_id", "recorded_on", event_on=rows[day], record_table=ibis.literal(table)
        )

    rows = rules.in_force(ibis.union(*[of(t, d) for t, d in WATCHED.items()]), "event_on", "limit_days")
    days = rows.recorded_on.delta(rows.event_on, unit="day")
    return rows.filter(rows.event_on <= records.last_day).select(
        "estate_id",
        "record_id",
        "record_table",
        occurred_on="event_on",
        decided_on="event_on",
        numerator=days.between(0, rows.limit_days).cast("float64"),
        denominator=ibis.literal(1.0),
    )


METRIC = Metric(
    code="D01",
    family="proportion",
    record="complaints",
    unit="share",
    evidence=evidence,
    shows=("received_on", "found_on", "inspected_on", "held_on", "occurred_on", "recorded_on"),
    source="register",
)
