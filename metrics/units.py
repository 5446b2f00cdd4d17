"""Who is scored: estates as the register had them, company spells and office heads' spells, period by period."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from metrics.base import Metric, Records
from metrics.evidence import spells
from metrics.sums import decayed_days
from rules.book import Rule


def size_band(households: ir.Value, rule: Rule) -> ir.Value:
    """``small``, ``medium`` or ``large`` by the index rule's ``size_bands`` (homes; each bound belongs above)."""
    small, medium = rule["size_bands"]["medium"], rule["size_bands"]["large"]
    return ibis.cases((households < small, "small"), (households < medium, "medium"), else_="large")


def periods_of(records: Records, scored: int) -> ir.Table:
    """The newest ``scored`` quarters: ``period, start, end, last, ordinal``."""
    quarters = records.quarters
    return quarters.filter(quarters.ordinal > quarters.ordinal.max().as_scalar() - scored)


def estates_in_periods(records: Records, scored: int, rule: Rule) -> ir.Table:
    """One row per estate and period: contract EstateInEdition, as of the period's last day."""
    periods = periods_of(records, scored).select("period", day="last")
    estates = records.estate_days
    rows = periods.join(estates, [periods.day >= estates.valid_from, periods.day < estates.valid_to])
    tenures = spells(records.tenures).rename(t_estate="estate_id", t_from="valid_from", t_to="valid_to")
    rows = rows.left_join(
        tenures, [rows.estate_id == tenures.t_estate, rows.day >= tenures.t_from, rows.day < tenures.t_to]
    )
    return rows.mutate(size_band=size_band(rows.households, rule)).select(
        "period", "estate_id", "name_zh", "name_en", "estate_class", "size_band", "households", "subdistrict_id",
        "station_id", "company_id", "head_id", "unit_id", "longitude", "latitude",
        "built_year", "rental_share",
    )  # fmt: skip


def inspected(records: Records, scored: int, rule: Rule) -> ir.Table:
    """One row per estate and period with a routine on-site inspection in the rule's months before its last day."""
    periods = periods_of(records, scored).select("period", day="last")
    visits = records.inspections
    visits = visits.filter((visits.trigger == "routine") & (visits.kind != "self_check"))
    visits = visits.select("estate_id", "inspected_on").distinct()
    since = periods.day - ibis.interval(months=rule["inspection_months"])
    rows = periods.join(visits, [visits.inspected_on <= periods.day, visits.inspected_on > since])
    return rows.select("estate_id", "period").distinct()


def units(records: Records, estates: ir.Table, scored: int, rule: Rule) -> ir.Table:
    """One row per level, unit and period that has days inside the window.

    Columns: level, unit_id, estate_id, company_id, head_id, period, estate_class, households, in_charge_days
    (NULL for estates), current (stands on the period's last day), inspected, household_days (homes x decayed days).
    """
    periods = periods_of(records, scored).select("period", "last", "end", "ordinal")
    quarters = records.quarters.select(window_start="start", window_ordinal="ordinal")
    first = periods.ordinal - rule["window_quarters"] + 1
    first = ibis.greatest(first, ibis.literal(0))
    periods = periods.mutate(first=first).join(quarters, [("first", "window_ordinal")])
    seen = inspected(records, scored, rule).mutate(inspected=ibis.literal(True))
    attributes = estates.select("period", "estate_id", "estate_class", "households")

    def spell_rows(level: str, spell: ir.Table) -> ir.Table:
        rows = periods.join(spell, [spell.since <= periods["last"], spell.until > periods.window_start])
        stop = ibis.least(rows.until, rows.end)
        start = ibis.greatest(rows.since, rows.window_start)
        return rows.select(
            "unit_id", "estate_id", "company_id", "head_id", "period",
            level=ibis.literal(level),
            in_charge_days=stop.delta(rows.since, unit="day"),
            current=rows.until >= rows.end,
            days=decayed_days(start, stop, rows["last"], rule["half_life_months"]),
        )  # fmt: skip

    tenures = spells(records.tenures)
    managed = records.managed.select(
        "unit_id", "estate_id", "company_id", head_id=ibis.null("string"), since="valid_from", until="valid_to"
    )
    heads = tenures.filter(tenures.head_id.notnull()).select(
        "estate_id", "company_id", "head_id", unit_id="tenure_id", since="valid_from", until="valid_to"
    )
    whole = estates.select(
        "estate_id", "company_id", "head_id", "period", unit_id="estate_id", level=ibis.literal("estate"),
        in_charge_days=ibis.null("int64"), current=ibis.literal(True), days=ibis.literal(1.0),
    )  # fmt: skip
    order = ("level", "unit_id", "estate_id", "company_id", "head_id", "period", "in_charge_days", "current", "days")
    rows = ibis.union(
        whole.select(*order), spell_rows("tenure", managed).select(*order), spell_rows("head", heads).select(*order)
    )
    rows = rows.join(attributes, ["estate_id", "period"]).left_join(seen, ["estate_id", "period"])
    return rows.select(
        "level", "unit_id", "estate_id", "company_id", "head_id", "period", "estate_class", "households",
        "in_charge_days", "current",
        inspected=rows.inspected.fill_null(False),
        household_days=(rows.days * rows.households).round(6),
    )  # fmt: skip


def applicable(records: Records, metrics: dict[str, Metric], scored: int) -> ir.Table:
    """One row per estate, period and metric that applies to it (a duty elsewhere is n/a, not zero)."""
    periods = periods_of(records, scored).select("period", day="last")
    estates = records.estate_days

    def rows_of(name: str, metric: Metric) -> ir.Table:
        kept = estates if metric.applies is None else estates.filter(metric.applies(estates))
        rows = periods.join(kept, [periods.day >= kept.valid_from, periods.day < kept.valid_to])
        return rows.select("estate_id", "period", metric=ibis.literal(name), decided_on="day")

    return ibis.union(*[rows_of(n, m) for n, m in metrics.items()])
