"""Guards certified.

Unit        share of guards, 0 to 1
Row         one visit's look at the guards on post: certified of on post
Leaves out  visits after a complaint or to follow one up (shown, not counted); the company's self-checks
Limit       none; the law asks for every guard to hold the certificate
Empty       no routine visit looked at guards, no value
Rule        rules/metrics/guards_certified.toml
Source      inspection items of code guards_certified: checked (on post), passed (certified)
"""

from metrics.base import Metric
from metrics.visits import passed_of_checked


def evidence(records, rules):
    """One row per visit that looked at guards: how many of those on post were certified?"""
    return passed_of_checked(records, rules, "guards_certified")


METRIC = Metric(
    code="S01",
    family="proportion",
    record="inspection_items",
    unit="share",
    evidence=evidence,
    shows=("checked", "passed", "form", "form_version", "remark", "photos"),
    source="inspection",
    grace=True,
)
