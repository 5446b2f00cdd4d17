"""Security notices met.

Unit        share, 0 to 1
Row         one security hazard the police found, of the company's own, that fell due
Leaves out  hazards another party must fix, and hazards under objection (shown, not counted)
Limit       the notice's deadline as extended; handovers as in hazards_fixed_in_time
Empty       no notice fell due, no value
Rule        rules/metrics/security_notices_met.toml
Source      hazards: found_by police, hazard_type, due_on, extended_to, rectified_on, verified_result, lot_result
"""

from data.codes import SECURITY_HAZARD_TYPES
from metrics.base import Metric
from metrics.hazards import hazards, met_by_deadline


def evidence(records, rules):
    """One row per police notice that fell due: was it met by its deadline, and not found otherwise since?"""
    rows = hazards(records)
    rows = rows.filter((rows.found_by == "police") & rows.hazard_type.isin(SECURITY_HAZARD_TYPES))
    return met_by_deadline(records, rules, rows)


METRIC = Metric(
    code="S06",
    family="proportion",
    record="hazards",
    unit="share",
    evidence=evidence,
    shows=(
        "found_on",
        "hazard_type",
        "due_on",
        "extended_to",
        "rectified_on",
        "verified_result",
        "lot_result",
        "responsible_party",
    ),
    source="police",
)
