"""Hazards as the hazard metrics read them: who must fix them, until when, and what a change of hands moves.

A hazard counts as closed on the day it was put right, unless re-inspection found it not put right. Its deadline is
the order's own as extended. A company that takes over an estate gets the rule's ``handover_days`` for hazards it
finds open (method.md A4); what fell due before it came stays with the company before.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from data.flag_tables import SCORED_ONCE
from metrics.base import Records
from metrics.evidence import spells
from metrics.flagged import flagged
from rules.book import FOREVER

#: Metrics whose rows are one hazard each: put right by its deadline (1, or the chance of it where nobody saw it again) or not (0).
BY_DEADLINE = ("hazards_fixed_in_time", "security_notices_met")


def hazards(records: Records) -> ir.Table:
    """One row per hazard with ``due``, ``closed_on`` and ``excluded``.

    ``excluded`` names why a hazard is shown and not counted: ``not_company`` (another party must fix it) or
    ``disputed`` (an objection is open) or ``repeat_finding`` (found again in the same place while it was open: cited each,
    scored once). Others carry NULL.
    """
    rows = records.hazards
    found_undone = (ibis.coalesce(rows.verified_result, rows.lot_result) == "fail").fill_null(False)
    return rows.mutate(
        due=ibis.coalesce(rows.extended_to, rows.due_on),
        closed_on=found_undone.ifelse(ibis.null("date"), rows.rectified_on),
        excluded=ibis.cases(
            (rows.responsible_party != "company", "not_company"),
            (rows.objection_open.fill_null(False), "disputed"),
            (rows.record_id.isin(flagged(records, "hazards", "same_finding")), SCORED_ONCE["same_finding"]),
            else_=ibis.null("string"),
        ),
    )


def with_deadline(records: Records, rows: ir.Table) -> ir.Table:
    """Add ``deadline``: ``due``, moved for each company that took the hazard over while it was open and not yet due.

    Each such handover sets ``deadline = max(due, handover + handover_days)``; a deadline so moved may meet the next
    handover in turn. A hazard already due at a handover keeps its deadline.

    Args:
        rows: hazards with ``due`` (not NULL), ``closed_on`` and ``handover_days``.
    """
    spell = records.managed.select(spell_estate="estate_id", came="valid_from")
    takeovers = rows.select("record_id", "estate_id", "found_on", "due", "closed_on", "handover_days").join(
        spell,
        [
            rows.estate_id == spell.spell_estate,
            spell.came > rows.found_on,
            spell.came <= ibis.coalesce(rows.closed_on, ibis.date(FOREVER)),
        ],
    )
    in_turn = ibis.window(group_by="record_id", order_by="came")
    takeovers = takeovers.mutate(fresh_due=takeovers.came + takeovers.handover_days.as_interval("D"))
    before = takeovers.fresh_due.lag().over(in_turn)
    too_late = takeovers.came > ibis.greatest(takeovers.due, ibis.coalesce(before, takeovers.due))
    takeovers = takeovers.mutate(too_late=too_late.cast("int64"))
    takeovers = takeovers.mutate(ended=takeovers.too_late.cumsum().over(in_turn)).filter(lambda t: t.ended == 0)
    moved = takeovers.group_by("record_id").agg(moved_to=lambda t: t.fresh_due.max())
    return (
        rows.left_join(moved, "record_id")
        .mutate(deadline=lambda t: ibis.greatest(t.due, ibis.coalesce(t.moved_to, t.due)))
        .drop("moved_to", "record_id_right")
    )


def met_by_deadline(records: Records, rules, rows: ir.Table) -> ir.Table:
    """Evidence of hazards that fell due: was each put right by its deadline, and not found otherwise since?

    One that nobody saw again counts by the chance that it is as told (metrics/closures.py).

    Args:
        rows: of ``hazards``; those without a deadline drop out. The rule gives ``handover_days``.
    """
    rows = rules.in_force(rows.filter(rows.due.notnull()), "found_on", "handover_days")
    rows = with_deadline(records, rows).left_join(records.closing_trust, "record_id").drop("record_id_right")
    in_time = (rows.closed_on <= rows.deadline).fill_null(False).cast("float64")
    return rows.filter(rows.deadline <= records.last_day).select(
        "estate_id",
        "record_id",
        "excluded",
        occurred_on="deadline",
        decided_on="deadline",
        numerator=in_time * rows.trust.fill_null(1.0),
        denominator=1.0,
    )


def turns(records: Records) -> ir.Table:
    """One row per estate and stretch of days under one tenure, or under nobody.

    Columns ``estate_id``, ``came``, ``left`` (exclusive), ``spell_from`` (the company's first day; NULL under
    nobody). The stretches of an estate cover all days once, so that sums over them add up to the estate's own.
    """
    tenures = spells(records.tenures).select("estate_id", "spell_from", came="valid_from", left="valid_to")
    by_estate = ibis.window(group_by="estate_id", order_by="came")
    ends = tenures.mutate(free_from=tenures.left, free_to=tenures.came.lead().over(by_estate))
    after = ends.select("estate_id", came="free_from", left=ends.free_to.fill_null(ibis.date(FOREVER)))
    first = tenures.group_by("estate_id").agg(left=tenures.came.min())
    known = records.estate_days.select("estate_id").distinct()
    before = known.left_join(first, "estate_id").select(
        "estate_id", came=ibis.date(1, 1, 1), left=lambda t: t.left.fill_null(ibis.date(FOREVER))
    )
    free = ibis.union(after, before).filter(lambda t: t.left > t.came).mutate(spell_from=ibis.null("date"))
    columns = ("estate_id", "came", "left", "spell_from")
    return ibis.union(tenures.select(*columns), free.select(*columns))
