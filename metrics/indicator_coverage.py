"""Indicator coverage.

Unit        share of applicable scored metrics, 0 to 1
Row         one scored metric that applies to the estate in one period
Leaves out  metrics shown and not scored
Limit       below rules/index.toml coverage_min an estate is not rated
Empty       nothing applies, no value
Rule        rules/metrics/indicator_coverage.toml
Source      the metric values of the edition itself (view collected)
"""

import ibis

from metrics.base import Metric


def evidence(records, rules):
    """One row per applicable scored metric and period: was it measured?"""
    rows = records.collected
    return rows.select(
        "estate_id",
        "record_id",
        occurred_on="decided_on",
        decided_on="decided_on",
        numerator=rows.measured.cast("float64"),
        denominator=ibis.literal(1.0),
    )


METRIC = Metric(
    code="D05",
    family="proportion",
    record="collected",
    unit="share",
    evidence=evidence,
    shows=("metric", "measured"),
    source="register",
)
