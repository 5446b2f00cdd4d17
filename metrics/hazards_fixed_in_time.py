"""Hazards fixed in time.

Unit        share, 0 to 1
Row         one hazard of the company's own that fell due
Leaves out  hazards another party must fix, and hazards under objection (shown, not counted); hazards without a
            deadline
Limit       the order's deadline as extended; for a company that took over an open hazard not yet due, at least the
            rule's days from the handover, by the rule of the day the hazard was found
Empty       no hazard fell due, no value
Rule        rules/metrics/hazards_fixed_in_time.toml
Source      hazards: found_on, due_on, extended_to, rectified_on, verified_result, lot_result, responsible_party
"""

from metrics.base import Metric
from metrics.hazards import hazards, met_by_deadline


def evidence(records, rules):
    """One row per hazard that fell due: was it put right by its deadline, and not found otherwise since?"""
    return met_by_deadline(records, rules, hazards(records))


METRIC = Metric(
    code="H01",
    family="proportion",
    record="hazards",
    unit="share",
    evidence=evidence,
    shows=(
        "found_on",
        "found_by",
        "hazard_type",
        "severity",
        "due_on",
        "extended_to",
        "rectified_on",
        "verified_result",
        "lot_result",
        "responsible_party",
    ),
    source="inspection",
)
