"""Inspection items passed.

Unit        share, 0 to 1, a failed point weighing by its severity (shown, not scored)
Row         one item of one visit: points passed of points looked at
Leaves out  visits after a complaint or to follow one up (shown, not counted); the company's self-checks
Limit       the severity weights of the day of the visit: a moderate failure weighs as much as a point passed
Empty       no routine visit, no value
Rule        rules/metrics/inspection_items_passed.toml
Source      inspection items of every code: checked, passed, severity

Where no severities are recorded, as abroad, this is plainly the share of points passed.
"""

from metrics.base import Metric
from metrics.visits import SEVERITY_KEYS, severity_value, visit_items


def evidence(records, rules):
    """One row per item: points passed, out of these plus the failed ones weighed by severity."""
    items = visit_items(records, rules, *SEVERITY_KEYS)
    passed = items.passed.cast("float64")
    return items.select(
        "estate_id",
        "record_id",
        "excluded",
        occurred_on="inspected_on",
        decided_on="inspected_on",
        numerator=passed,
        denominator=passed + severity_value(items) * (items.checked - passed),
        factor=items.factor,
    ).filter(lambda t: t.denominator > 0)


METRIC = Metric(
    code="H06",
    family="proportion",
    record="inspection_items",
    unit="share",
    evidence=evidence,
    shows=("item_code", "checked", "passed", "severity", "form", "form_version", "remark", "photos"),
    source="inspection",
    grace=True,
)
