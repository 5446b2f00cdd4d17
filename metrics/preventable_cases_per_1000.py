"""Preventable cases per 1,000 residents.

Unit        cases per 1,000 residents and year
Row         one burglary or vehicle theft on the estate
Leaves out  cases found not to bear on management, and cases under objection (shown, not counted)
Limit       none; compared with the class
Empty       no police delivery, no value; a covered month without cases counts as none
Rule        rules/metrics/preventable_cases_per_1000.toml
Source      incidents: kind, management_related
"""

import ibis

from data.codes import PREVENTABLE_KINDS
from metrics.base import Metric


def evidence(records, rules):
    """One row per preventable case."""
    rows = rules.in_force(records.incidents, "occurred_on")
    rows = rows.filter(rows.kind.isin(PREVENTABLE_KINDS))
    return rows.filter(rows.occurred_on <= records.last_day).select(
        "estate_id",
        "record_id",
        "occurred_on",
        decided_on="occurred_on",
        numerator=ibis.literal(1.0),
        denominator=ibis.literal(0.0),
        excluded=ibis.cases(
            ((~rows.management_related).fill_null(False), "not_management"),
            (rows.objection_open.fill_null(False), "disputed"),
            else_=ibis.null("string"),
        ),
    )


METRIC = Metric(
    code="O01",
    family="rate",
    record="incidents",
    unit="per_1000_residents_year",
    evidence=evidence,
    shows=("occurred_on", "kind", "severity", "management_related"),
    source="police",
    exposure="residents",
)
