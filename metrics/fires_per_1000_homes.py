"""Fires per 1,000 homes.

Unit        fires per 1,000 homes and year
Row         one fire on the estate
Leaves out  fires that began in a home, outside or by arson, and those found not to bear on management (shown, not counted)
Limit       none; compared with the class
Empty       no delivery of incidents, no value; a covered month without fires counts as none
Rule        rules/metrics/fires_per_1000_homes.toml
Source      incidents: kind fire, cause, management_related
"""

import ibis

from metrics.base import Metric


def evidence(records, rules):
    """One row per fire; those of shared parts or unknown cause count."""
    rows = rules.in_force(records.incidents, "occurred_on")
    rows = rows.filter(rows.kind == "fire")
    return rows.filter(rows.occurred_on <= records.last_day).select(
        "estate_id",
        "record_id",
        "occurred_on",
        decided_on="occurred_on",
        numerator=ibis.literal(1.0),
        denominator=ibis.literal(0.0),
        excluded=ibis.cases(
            ((rows.cause == "private_home").fill_null(False), "cause_private"),
            ((rows.cause == "arson").fill_null(False), "cause_arson"),
            ((rows.cause == "outside").fill_null(False), "cause_outside"),
            ((~rows.management_related).fill_null(False), "not_management"),
            (rows.objection_open.fill_null(False), "disputed"),
            else_=ibis.null("string"),
        ),
    )


METRIC = Metric(
    code="O02",
    family="rate",
    record="incidents",
    unit="per_1000_homes_year",
    evidence=evidence,
    shows=("occurred_on", "kind", "severity", "cause", "management_related"),
    source="fire",
    exposure="homes",
)
