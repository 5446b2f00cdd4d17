"""Records found as they say.

Unit        share of records looked at again, 0 to 1
Row         one record somebody went to see: a drill accepted or not, a hazard told as put right and re-inspected
Leaves out  records nobody looked at again
Limit       none
Empty       nothing looked at again, no value
Rule        rules/metrics/verified_sample_agreement.toml
Source      fire_drills: verification; hazards: rectified_on, verified_on, verified_result
"""

import ibis

from metrics.base import Metric

COLUMNS = (
    "estate_id",
    "record_id",
    "occurred_on",
    "decided_on",
    "numerator",
    "denominator",
    "excluded",
    "record_table",
)


def _drills(records):
    drills = records.fire_drills.filter(records.fire_drills.verification.isin(("verified", "rejected")))
    return drills.mutate(
        occurred_on="held_on",
        decided_on="held_on",
        numerator=(drills.verification == "verified").cast("float64"),
        excluded=ibis.null("string"),
        record_table=ibis.literal("fire_drills"),
    )


def _hazards(records):
    rows = records.hazards
    rows = rows.filter(rows.rectified_on.notnull() & rows.verified_result.isin(("pass", "fail")))
    seen_on = ibis.coalesce(rows.verified_on, rows.rectified_on)
    return rows.mutate(
        occurred_on="rectified_on",
        decided_on=ibis.greatest(seen_on, rows.rectified_on),
        numerator=(rows.verified_result == "pass").cast("float64"),
        excluded=rows.objection_open.fill_null(False).ifelse("disputed", ibis.null("string")),
        record_table=ibis.literal("hazards"),
    )


def evidence(records, rules):
    """One row per record looked at again: was it as it says?"""
    both = [t.mutate(denominator=ibis.literal(1.0)).select(*COLUMNS) for t in (_drills(records), _hazards(records))]
    rows = rules.in_force(ibis.union(*both), "decided_on")
    return rows.filter(rows.estate_id.notnull() & (rows.decided_on <= records.last_day))


METRIC = Metric(
    code="D04",
    family="proportion",
    record="fire_drills",
    unit="share",
    evidence=evidence,
    shows=("held_on", "verification", "rectified_on", "verified_on", "verified_result"),
    source="register",
)
