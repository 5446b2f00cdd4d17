"""Rentals found by others.

Unit        group rentals per 1,000 homes and year
Row         one check that found group rentals the company had not reported in the 30 days before
Leaves out  rentals the company reported first
Limit       none; a local target of zero
Empty       no check delivered, no value
Rule        rules/metrics/rentals_found_by_others.toml
Source      population checks: rentals_found, rentals_reported
"""

import ibis

from metrics.base import Metric


def evidence(records, rules):
    """One row per check with group rentals found: how many of them had the company not reported?"""
    checks = rules.in_force(records.population_checks, "checked_on")
    missed = checks.rentals_found - checks.rentals_reported.fill_null(0)
    checks = checks.mutate(missed=missed).filter(lambda row: row.missed > 0)
    return checks.select(
        "estate_id",
        "record_id",
        occurred_on="checked_on",
        decided_on="checked_on",
        numerator=checks.missed.cast("float64"),
        denominator=ibis.literal(0.0),
    )


METRIC = Metric(
    code="P04",
    family="rate",
    record="population_checks",
    unit="per_1000_homes_year",
    evidence=evidence,
    shows=("checked_on", "rentals_found", "rentals_reported"),
    source="population",
    exposure="homes",
)
