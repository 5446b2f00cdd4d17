"""Creditable acts.

Unit        commendations in force on the period's last day
Row         one final commendation on one quarter's last day while it stands
Leaves out  commendations under objection or withdrawn, and those that have run out
Limit       the commendation's own last day
Empty       no commendation, no value: shown only
Rule        rules/metrics/creditable_acts.toml
Source      sanctions: kind commendation, status, decided_on, stands_until
"""

from metrics.base import Metric
from metrics.standing import standing_each_quarter


def evidence(records, rules):
    """One row per final commendation and quarter on whose last day it stands."""
    return standing_each_quarter(records, rules, "commendation")


METRIC = Metric(
    code="G04",
    family="obligation",
    record="sanctions",
    unit="count",
    evidence=evidence,
    shows=("kind", "law", "decided_on", "stands_until", "status"),
    source="authority",
    cycles=(0,),
)
