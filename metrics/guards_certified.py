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
from metrics.visits import visit_items


def evidence(records, rules):
    """One row per visit that looked at guards: how many of those on post were certified?"""
    items = visit_items(records, rules)
    items = items.filter(items.item_code == "guards_certified")
    return items.select(
        "estate_id",
        "record_id",
        "excluded",
        occurred_on="inspected_on",
        decided_on="inspected_on",
        numerator=items.passed.cast("float64"),
        denominator=items.checked.cast("float64"),
    )


METRIC = Metric(
    code="S01",
    family="proportion",
    record="inspection_items",
    unit="share",
    evidence=evidence,
    shows=("checked", "passed"),
    source="inspection",
    grace=True,
)
