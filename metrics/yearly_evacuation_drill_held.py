"""Yearly evacuation drill held.

Unit        share of the duty done: 1 held and verified, the rule's part when unverified, 0 not held
Row         one estate at one quarter's end: a drill within the 12 months ending that day
Leaves out  table-top exercises; rejected drills; drills without residents since the rule asks for them
Limit       the rule in force on the day the drill was held
Empty       no drill on record is a duty not done; a company answers only once its spell covers the 12 months
Rule        rules/metrics/yearly_evacuation_drill_held.toml
Source      drill records: held_on, kind, residents, verification
"""

from metrics.base import Metric
from metrics.drills import best_of, counting_drills, duty_evidence, held_for, yearly_duties


def evidence(records, rules):
    """One row per estate and quarter: was an evacuation drill held in the 12 months before its end?"""
    duties = rules.in_force(yearly_duties(records), "last", "drills_per_year")
    drills = counting_drills(records, rules, ("evacuation", "full_element"), "residents_min")
    drills = drills.filter(drills.residents.fill_null(0) >= drills.residents_min)
    best = best_of(held_for(duties, drills), "estate_id", "period")
    done = best.select("estate_id", "period", "drill", done="share")
    return duty_evidence(duties.left_join(done, ["estate_id", "period"]), "drills_per_year")


METRIC = Metric(
    code="F01",
    family="obligation",
    record="fire_drills",
    unit="done_of_required",
    evidence=evidence,
    shows=("held_on", "kind", "residents", "verification", "witness"),
    source="company",
)
