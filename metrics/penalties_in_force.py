"""Penalties in force.

Unit        penalties in force on the period's last day
Row         one final penalty on one quarter's last day while it stands
Leaves out  penalties under appeal or overturned, and those that have run out
Limit       the penalty's own last day
Empty       no penalty in force, no value: shown only
Rule        rules/metrics/penalties_in_force.toml
Source      sanctions: kind penalty, status, decided_on, stands_until
"""

from metrics.base import Metric
from metrics.standing import standing_each_quarter


def evidence(records, rules):
    """One row per final penalty and quarter on whose last day it stands."""
    return standing_each_quarter(records, rules, "penalty")


METRIC = Metric(
    code="G03",
    family="obligation",
    record="sanctions",
    unit="count",
    evidence=evidence,
    shows=("kind", "severity", "law", "decided_on", "stands_until", "status"),
    source="authority",
    cycles=(0,),
)
