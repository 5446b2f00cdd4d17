"""Full-element drill coverage.

Unit        share of the estate's high-rise blocks, 0 to 1
Row         one estate at one quarter's end: high-rise blocks drilled within the 12 months ending that day
Leaves out  estates without a high-rise block; rejected drills; a drill entered twice (same day and place)
Limit       the rule in force on the quarter's last day; a drill that names no blocks counts as one block
Empty       no full-element drill on record is a duty not done; a company answers once its spell covers 12 months
Rule        rules/metrics/full_element_drill_coverage.toml
Source      drill records: held_on, kind, blocks_drilled, verification; estate register: highrise_blocks
"""

import ibis

from metrics.base import Metric
from metrics.drills import counting_drills, duty_evidence, held_for, latest, yearly_duties


def evidence(records, rules):
    """One row per estate and quarter: how many of its high-rise blocks were drilled in the 12 months before?"""
    duties = rules.in_force(yearly_duties(records), "last", "drills_per_year")
    duties = duties.filter((duties.highrise_blocks > 0) & (duties.drills_per_year > 0))
    duties = duties.mutate(blocks=duties.highrise_blocks * duties.drills_per_year)
    drills = counting_drills(records, rules, ("full_element",))
    held = held_for(duties, drills.mutate(drilled=drills.blocks_drilled.fill_null(1)))
    once = held.group_by("estate_id", "period", "held_on", "place").agg(
        drilled=held.drilled.max(), counted=(held.share * held.drilled).max(), drill=held.drill.max()
    )
    sums = once.group_by("estate_id", "period").agg(
        drilled=once.drilled.sum(), counted=once.counted.sum(), drill=latest(once)
    )
    rows = duties.left_join(sums, ["estate_id", "period"])
    rows = rows.mutate(
        done=ibis.least(rows.counted.fill_null(0), rows.blocks),
        # a newcomer is asked for no more blocks than it has drilled
        asked=rows.answers.ifelse(rows.blocks, ibis.least(rows.drilled.fill_null(0), rows.blocks)),
    )
    return duty_evidence(rows, "asked")


METRIC = Metric(
    code="F02",
    family="obligation",
    record="fire_drills",
    unit="share",
    evidence=evidence,
    shows=("held_on", "kind", "place", "blocks_drilled", "verification"),
    source="company",
    applies=lambda estates: (estates.highrise_blocks > 0).fill_null(False),
)
