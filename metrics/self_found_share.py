"""Self-found share of hazards.

Unit        share, 0 to 1 (shown, not scored)
Row         one hazard found
Leaves out  hazards under objection, and those found again while open: the first finder found them (shown, not counted).
            Hazards others must fix do count: finding them is the duty
Limit       none
Empty       no hazard found, no value
Rule        rules/metrics/self_found_share.toml
Source      hazards: found_on, found_by
"""

import ibis

from data.flag_tables import SCORED_ONCE
from metrics.base import Metric
from metrics.flagged import flagged
from metrics.hazards import hazards


def evidence(records, rules):
    """One row per confirmed hazard: did the company itself find it first?"""
    rows = rules.in_force(hazards(records), "found_on")
    return rows.select(
        "estate_id",
        "record_id",
        occurred_on="found_on",
        decided_on="found_on",
        numerator=(rows.found_by == "self").cast("float64"),
        denominator=1.0,
        excluded=ibis.cases(
            (rows.objection_open.fill_null(False), "disputed"),
            (rows.record_id.isin(flagged(records, "hazards", "same_finding")), SCORED_ONCE["same_finding"]),
            else_=ibis.null("string"),
        ),
    )


METRIC = Metric(
    code="H05",
    family="proportion",
    record="hazards",
    unit="share",
    evidence=evidence,
    shows=("found_on", "found_by", "hazard_type", "responsible_party"),
    source="inspection",
)
