"""Drills as the drill metrics read them: which count, how far, and for whom a yearly duty fell due."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from metrics.base import Records
from rules.book import FOREVER


def counting_drills(records: Records, rules, kinds: tuple[str, ...], *keys: str) -> ir.Table:
    """One row per drill of ``kinds`` that counts at all, with ``share``: 1 verified, the rule's part unverified.

    Rejected drills count nothing and are left out. The rule (its part for unverified drills, and ``keys``) is that
    of the day the drill was held.
    """
    rows = records.fire_drills
    rows = rows.filter(rows.kind.isin(kinds) & (rows.verification != "rejected"))
    rows = rules.in_force(rows, "held_on", "unverified_counts", *keys)
    return rows.mutate(share=(rows.verification == "verified").ifelse(1.0, rows.unverified_counts.cast("float64")))


def yearly_duties(records: Records) -> ir.Table:
    """One row per estate and quarter for a duty met within the 12 months that end with the quarter.

    Columns: ``estate_id``, the register's ``estate_class``, ``highrise_blocks`` and ``key_fire_unit`` of the
    quarter's last day, ``period``, ``last``, ``end`` (exclusive), ``year_from`` (12 months before ``end``),
    ``half_from`` (6 months before), ``own_from``, ``known_from`` and ``answers``.

    A company's own record starts with its spell, so drills count from ``own_from``. It answers for an unmet duty
    (``answers``) only when the whole 12 months lie after ``known_from``: its first day, and the first month of
    which any drill was delivered (before that drills were not collected). An estate without a company answers as
    an estate.
    """
    quarters = records.quarters.select("period", "last", "end")
    estates = records.estate_days
    rows = quarters.join(estates, [quarters["last"] >= estates.valid_from, quarters["last"] < estates.valid_to])
    rows = rows.select(
        "estate_id", "estate_class", "highrise_blocks", "key_fire_unit", "period", "last", "end",
        year_from=rows.end - ibis.interval(years=1), half_from=rows.end - ibis.interval(months=6),
    )  # fmt: skip
    spell = records.managed.select(spell_estate="estate_id", spell_from="valid_from", spell_to="valid_to")
    rows = rows.left_join(
        spell,
        [rows.estate_id == spell.spell_estate, rows["last"] >= spell.spell_from, rows["last"] < spell.spell_to],
    )
    collected_from = records.fire_drills.held_on.min().as_scalar().truncate("month").fill_null(ibis.date(FOREVER))
    came = ibis.coalesce(rows.spell_from, collected_from)
    rows = rows.mutate(
        own_from=ibis.greatest(rows.year_from, ibis.coalesce(rows.spell_from, rows.year_from)),
        known_from=ibis.greatest(came, collected_from),
    )
    return rows.mutate(answers=rows.known_from <= rows.year_from).drop("spell_estate", "spell_from", "spell_to")


def held_for(duties: ir.Table, drills: ir.Table) -> ir.Table:
    """One row per duty and drill held in its window, with the drill's columns and ``drill`` (its record_id)."""
    drills = drills.rename(drill="record_id", drill_estate="estate_id")
    duties = duties.select("estate_id", "period", "half_from", "own_from", "end")
    return duties.join(
        drills,
        [
            duties.estate_id == drills.drill_estate,
            drills.held_on >= duties.own_from,
            drills.held_on < duties.end,
        ],
    )


def best_of(held: ir.Table, *group: str) -> ir.Table:
    """Of the drills of each ``group``, the one that counts most; of equals the latest."""
    order = [ibis.desc(held.share), ibis.desc(held.held_on), ibis.desc(held.drill)]
    place = ibis.row_number().over(ibis.window(group_by=group, order_by=order))
    return held.mutate(place_in_group=place).filter(lambda t: t.place_in_group == 0)


def latest(held: ir.Table) -> ir.Value:
    """Aggregate: the record_id of the latest drill (of one day, the greatest id, so that reruns agree)."""
    return held.drill.argmax(held.held_on.cast("string") + "/" + held.drill)


def duty_evidence(rows: ir.Table, required: str | float) -> ir.Table:
    """One evidence row per duty that was met or must be answered for.

    Args:
        rows: ``yearly_duties`` with ``done`` and ``drill`` (record_id of the latest drill behind it, or NULL).
        required: the column (or number) of what the duty asks.
    """
    wanted = rows[required] if isinstance(required, str) else ibis.literal(required)
    rows = rows.mutate(
        numerator=ibis.coalesce(rows.done, 0.0).cast("float64"), denominator=wanted.cast("float64")
    ).filter(lambda t: (t.answers | (t.numerator > 0)) & (t.denominator > 0))
    return rows.select(
        "estate_id",
        record_id=ibis.coalesce(rows.drill, rows.estate_id + "/" + rows.period),
        occurred_on=rows["last"],
        decided_on=rows["last"],
        numerator=lambda t: t.numerator,
        denominator=lambda t: t.denominator,
    )
