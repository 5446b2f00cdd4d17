"""Fire equipment sound.

Unit        severity points per point looked at (0 = all sound)
Row         one visit's look at the fire equipment
Leaves out  visits after a complaint or to follow one up (shown, not counted); the company's self-checks
Limit       the severity points of the day of the visit; a failure without a severity counts the rule's ``unstated``
Empty       no routine visit, no value
Rule        rules/metrics/fire_equipment_sound.toml
Source      inspection items of code fire_equipment: checked, passed, severity
"""

from metrics.base import Metric
from metrics.visits import SEVERITY_KEYS, severity_value, visit_items


def evidence(records, rules):
    """One row per visit that looked at fire equipment: severity points of what failed, per point looked at."""
    items = visit_items(records, rules, *SEVERITY_KEYS)
    items = items.filter(items.item_code == "fire_equipment")
    failed, value = items.checked - items.passed, severity_value(items)
    return items.select(
        "estate_id",
        "record_id",
        "excluded",
        occurred_on="inspected_on",
        decided_on="inspected_on",
        numerator=value * failed,
        denominator=items.checked.cast("float64"),
        square=value * value * failed,
        factor=items.factor,
    )


METRIC = Metric(
    code="F14",
    family="severity",
    record="inspection_items",
    unit="severity_per_point",
    evidence=evidence,
    shows=("checked", "passed", "severity", "form", "form_version", "remark", "photos"),
    source="inspection",
    grace=True,
)
