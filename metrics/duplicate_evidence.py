"""Drills told like an earlier one.

Unit        share of drills, 0 to 1; lower is better
Row         one drill with a file, an account or figures on record
Leaves out  table-top exercises (shown, not counted)
Limit       the likeness of accounts in rules/record_flags.toml
Empty       nothing on record to compare, no value
Rule        rules/metrics/duplicate_evidence.toml
Source      record_flags (same_file, same_account, same_figures) of drills
"""

import ibis

from metrics.base import Metric
from metrics.flagged import flagged


def evidence(records, rules):
    """One row per drill that says anything: are its file, account or figures those of an earlier drill?"""
    drills = rules.in_force(records.fire_drills, "held_on")
    says = drills.evidence_hash.notnull() | (drills.content.fill_null("").strip() != "") | drills.residents.notnull()
    drills = drills.filter(says & (drills.held_on <= records.last_day))
    again = flagged(records, "fire_drills", "same_file", "same_account", "same_figures")
    return drills.select(
        "estate_id",
        "record_id",
        occurred_on="held_on",
        decided_on="held_on",
        numerator=drills.record_id.isin(again).cast("float64"),
        denominator=ibis.literal(1.0),
        excluded=(drills.kind == "tabletop").ifelse("tabletop", ibis.null("string")),
    )


METRIC = Metric(
    code="D03",
    family="proportion",
    record="fire_drills",
    unit="share",
    evidence=evidence,
    shows=("held_on", "place", "content", "departments", "staff", "residents", "evacuation_minutes"),
    source="register",
)
