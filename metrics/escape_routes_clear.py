"""Escape routes clear.

Unit        share of points, 0 to 1
Row         one visit's look at the escape routes: points clear of points looked at
Leaves out  visits after a complaint or to follow one up (shown, not counted); the company's self-checks
Limit       none; the law asks for all routes to be clear
Empty       no routine visit, no value
Rule        rules/metrics/escape_routes_clear.toml
Source      inspection items of code escape_routes: checked, passed
"""

from metrics.base import Metric
from metrics.visits import passed_of_checked


def evidence(records, rules):
    """One row per visit that looked at escape routes: how many of the points were clear?"""
    return passed_of_checked(records, rules, "escape_routes")


METRIC = Metric(
    code="F13",
    family="proportion",
    record="inspection_items",
    unit="share",
    evidence=evidence,
    shows=("checked", "passed", "severity", "form", "form_version", "remark", "photos"),
    source="inspection",
    grace=True,
)
