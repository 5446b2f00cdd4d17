"""Sanctions that stand: what was decided and is still in force on each quarter's last day."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from metrics.base import Records
from rules.book import FOREVER


def standing_each_quarter(records: Records, rules, kind: str) -> ir.Table:
    """One row of evidence per final sanction of ``kind`` and quarter on whose last day it stands.

    It answers for the company it names: one decided after that company had left belongs to the company's last day.
    Beyond the rule's ``most`` at one estate and day, further ones are shown and not counted (``over_the_most``).
    """
    rows = records.sanctions.filter(
        (records.sanctions.kind == kind) & (records.sanctions.status == "final") & records.sanctions.estate_id.notnull()
    )
    rows = rules.in_force(rows, "decided_on", "most")
    spell = records.managed.select(
        spell_estate="estate_id", spell_company="company_id", came="valid_from", left="valid_to"
    )
    named = rows.select("record_id", "estate_id", "company_id", "decided_on").join(
        spell,
        [rows.estate_id == spell.spell_estate, rows.company_id == spell.spell_company, spell.came <= rows.decided_on],
    )
    last = named.group_by(named_record="record_id").agg(left=lambda t: t.left.max())
    rows = rows.left_join(last, rows.record_id == last.named_record)
    own_day = ibis.least(rows.decided_on, rows.left - ibis.interval(days=1))
    rows = rows.mutate(occurred_on=ibis.coalesce(own_day, rows.decided_on))
    quarters = records.quarters.select(day="last")
    rows = rows.join(
        quarters,
        [rows.decided_on <= quarters.day, rows.stands_until.fill_null(ibis.date(FOREVER)) > quarters.day],
    )
    place = ibis.row_number().over(ibis.window(group_by=["estate_id", "day"], order_by=["decided_on", "record_id"]))
    rows = rows.mutate(place=place)
    return rows.select(
        "estate_id",
        "record_id",
        "occurred_on",
        decided_on="day",
        numerator=ibis.literal(1.0),
        denominator=ibis.literal(1.0),
        excluded=(rows.place >= rows.most).ifelse("over_the_most", ibis.null("string")),
    )
