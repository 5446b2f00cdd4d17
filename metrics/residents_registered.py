"""Residents registered.

Unit        share of residents found, 0 to 1
Row         one check of registered residents
Leaves out  checks that found nobody
Limit       none; a local standard asks for 95 %
Empty       no check, no value
Rule        rules/metrics/residents_registered.toml
Source      population checks: sampled, registered
"""

from metrics.base import Metric


def evidence(records, rules):
    """One row per check: how many of the residents found were registered?"""
    checks = rules.in_force(records.population_checks, "checked_on")
    checks = checks.filter(checks.sampled > 0)
    return checks.select(
        "estate_id",
        "record_id",
        occurred_on="checked_on",
        decided_on="checked_on",
        numerator=checks.registered.cast("float64"),
        denominator=checks.sampled.cast("float64"),
    )


METRIC = Metric(
    code="P02",
    family="proportion",
    record="population_checks",
    unit="share",
    evidence=evidence,
    shows=("checked_on", "sampled", "registered"),
    source="population",
)
