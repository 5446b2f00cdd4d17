"""Drill records complete.

Unit        share, 0 to 1
Row         one drill on record
Leaves out  table-top exercises (shown, not counted)
Limit       the fields the rule asks for on the day of the drill: five of every drill; in high-rises also notice,
            marking and review once the high-rise rules were in force
Empty       no drills, no value: F01 to F03 judge whether drills were held
Rule        rules/metrics/drill_records_complete.toml
Source      drill records: held_on, place, content, departments, staff, residents, announced, marked, reviewed
"""

import ibis

from metrics.base import Metric
from metrics.estates import is_highrise, with_estate


def evidence(records, rules):
    """One row per drill: does its record hold every field asked for? A rejected record does not."""
    drills = rules.in_force(records.fire_drills, "held_on", "highrise_steps")
    drills = with_estate(records, drills, "held_on", "estate_class", "highrise_blocks")
    filled = [drills[text].fill_null("").strip() != "" for text in ("place", "content", "departments")]
    fields = ibis.and_(*filled, drills.staff.notnull() | drills.residents.notnull())
    steps = ibis.and_(*(drills[step].fill_null(False) for step in ("announced", "marked", "reviewed")))
    no_steps_asked = (drills.highrise_steps == 0) | ~is_highrise(drills)
    complete = fields & (steps | no_steps_asked) & (drills.verification != "rejected")
    return drills.select(
        "estate_id",
        "record_id",
        occurred_on="held_on",
        decided_on="held_on",
        numerator=complete.cast("float64"),
        denominator=ibis.literal(1.0),
        excluded=(drills.kind == "tabletop").ifelse("tabletop", ibis.null("string")),
    )


METRIC = Metric(
    code="F04",
    family="proportion",
    record="fire_drills",
    unit="share",
    evidence=evidence,
    shows=("held_on", "place", "content", "departments", "staff", "residents", "announced", "marked", "reviewed"),
    source="company",
)
