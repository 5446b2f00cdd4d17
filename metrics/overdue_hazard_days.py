"""Overdue hazard days, by severity.

Unit        severity-days per 1000 homes and year
Row         one hazard in one quarter (and one tenure) in which it was overdue: days past the deadline x severity factor
Leaves out  hazards another party must fix, and hazards under objection (shown, not counted); for a company that
            took over an overdue hazard, the rule's days from the handover (these count for the estate alone)
Limit       the order's deadline as extended; factors and handover days of the day the hazard fell due
Empty       no overdue hazard is a good value: exposure is homes under management; hazards never delivered, no value
Rule        rules/metrics/overdue_hazard_days.toml
Source      hazards: due_on, extended_to, rectified_on, verified_result, severity, responsible_party
"""

import ibis

from metrics.base import Metric
from metrics.hazards import hazards, turns


def evidence(records, rules):
    """One row per hazard, quarter and tenure with overdue days; the day it was put right is the last of them."""
    rows = hazards(records)
    rows = rules.in_force(rows.filter(rows.due.notnull()), "due", "handover_days", "general", "key", "major")
    last_day = ibis.date(records.last_day)
    last_late = ibis.least(ibis.coalesce(rows.closed_on, last_day), last_day)
    steps = [(rows.severity == step, rows[step]) for step in ("major", "key")]
    rows = rows.mutate(
        factor=ibis.cases(*steps, else_=rows.general),
        late_from=rows.due + ibis.interval(days=1),
        late_to=last_late + ibis.interval(days=1),
    )
    pieces = _by_turn(records, rows.filter(rows.late_from < rows.late_to))
    quarters = records.quarters.select(quarter_from="start", quarter_to="end")
    pieces = pieces.join(quarters, [pieces.piece_from < quarters.quarter_to, pieces.piece_to > quarters.quarter_from])
    pieces = pieces.mutate(
        first=ibis.greatest(pieces.piece_from, pieces.quarter_from), end=ibis.least(pieces.piece_to, pieces.quarter_to)
    )
    return pieces.select(
        "estate_id",
        "record_id",
        occurred_on="first",
        decided_on=pieces.end - ibis.interval(days=1),
        numerator=(pieces.end.delta(pieces.first, unit="day") * pieces.factor).cast("float64"),
        denominator=0.0,
        excluded=ibis.coalesce(pieces.excluded, pieces.spared.ifelse("grace", ibis.null("string"))),
    )


def _by_turn(records, rows):
    """Cut overdue days ``[late_from, late_to)`` at every change of tenure, and at the end of a newcomer's days."""
    stretch = turns(records).rename(turn_estate="estate_id")
    rows = rows.join(
        stretch,
        [rows.estate_id == stretch.turn_estate, rows.late_from < stretch.left, rows.late_to > stretch.came],
    )
    start, end = ibis.greatest(rows.late_from, rows.came), ibis.least(rows.late_to, rows.left)
    inherited = (rows.found_on < rows.spell_from).fill_null(False)
    fresh_due = rows.spell_from + rows.handover_days.as_interval("D")
    # the newcomer's first late day is the one after its fresh deadline
    answers_from = inherited.ifelse(fresh_due + ibis.interval(days=1), start)
    rows = rows.mutate(start=start, stop=end, answers_from=ibis.least(ibis.greatest(start, answers_from), end))
    keep = ("estate_id", "record_id", "excluded", "factor")
    own = rows.select(*keep, piece_from="answers_from", piece_to="stop", spared=ibis.literal(False))
    spared = rows.select(*keep, piece_from="start", piece_to="answers_from", spared=ibis.literal(True))
    return ibis.union(own, spared).filter(lambda t: t.piece_to > t.piece_from)


METRIC = Metric(
    code="H02",
    family="severity",
    record="hazards",
    unit="severity_days_per_1000_homes_year",
    evidence=evidence,
    shows=(
        "found_on",
        "hazard_type",
        "severity",
        "due_on",
        "extended_to",
        "rectified_on",
        "verified_result",
        "responsible_party",
    ),
    source="inspection",
    exposure="homes",
)
