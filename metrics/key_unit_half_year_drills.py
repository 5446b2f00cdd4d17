"""Key fire unit: a drill every half-year.

Unit        share of half-years with a drill, 0 to 1
Row         one key fire unit at one quarter's end: the last six months and the six before
Leaves out  estates that are no key fire unit; table-top exercises; rejected drills
Limit       the rule in force on the day the drill was held
Empty       a half-year without a drill is a duty not done; a company answers for halves it was there for
Rule        rules/metrics/key_unit_half_year_drills.toml
Source      drill records: held_on, kind, verification; estate register: key_fire_unit
"""

import ibis

from metrics.base import Metric
from metrics.drills import best_of, counting_drills, duty_evidence, held_for, latest, yearly_duties


def evidence(records, rules):
    """One row per key fire unit and quarter: in how many of the last two half-years was a drill held?"""
    duties = rules.in_force(yearly_duties(records), "last")
    duties = duties.filter(duties.key_fire_unit.fill_null(False))
    held = held_for(duties, counting_drills(records, rules, ("evacuation", "firefighting", "full_element")))
    held = held.mutate(recent=held.held_on >= held.half_from)
    best = best_of(held, "estate_id", "period", "recent")
    sums = best.group_by("estate_id", "period").agg(
        done=best.share.sum(), in_recent=best.recent.sum(), in_earlier=(~best.recent).sum(), drill=latest(best)
    )
    rows = duties.left_join(sums, ["estate_id", "period"])
    # each half is asked of a company that was there for all of it, or that held its drill in it
    asked_recent = (rows.known_from <= rows.half_from) | (rows.in_recent.fill_null(0) > 0)
    asked_earlier = rows.answers | (rows.in_earlier.fill_null(0) > 0)
    rows = rows.mutate(asked=asked_recent.cast("int64") + asked_earlier.cast("int64"), answers=ibis.literal(True))
    return duty_evidence(rows, "asked")


METRIC = Metric(
    code="F03",
    family="obligation",
    record="fire_drills",
    unit="share",
    evidence=evidence,
    shows=("held_on", "kind", "verification", "witness"),
    source="company",
    applies=lambda estates: estates.key_fire_unit.fill_null(False),
)
