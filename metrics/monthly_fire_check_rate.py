"""Monthly fire check rate.

Unit        share of months, 0 to 1
Row         one estate and month: a signed self-check by the company, or none
Leaves out  months in which no one company managed the estate throughout, unless the check was done;
            months whose self-checks a sub-district has not delivered at all;
            months before the first self-check delivered
Limit       whether signatures are asked for: the rule of the day of the check
Empty       a managed month without a check is a check not done
Rule        rules/metrics/monthly_fire_check_rate.toml
Source      inspections of kind self_check: inspected_on, signed
"""

import ibis

from metrics.base import Metric


def evidence(records, rules):
    """One row per estate and month in which a check was done or was asked of the company in charge."""
    checks = rules.in_force(
        records.inspections.filter(records.inspections.kind == "self_check"), "inspected_on", "signatures_asked"
    )
    checks = checks.select(
        "estate_id", "inspected_on", check="record_id", month=checks.inspected_on.truncate("month"),
        done=checks.signed.fill_null(False) | (checks.signatures_asked == 0),
    )  # fmt: skip
    order = [ibis.desc(checks.done), checks.inspected_on, checks.check]
    place = ibis.row_number().over(ibis.window(group_by=("estate_id", "month"), order_by=order))
    first = checks.mutate(place=place).filter(lambda t: t.place == 0).drop("place")
    rows = rules.in_force(_managed_months(records), "month_last", "usual_checks_min")
    rows = rows.filter(rows.month >= checks.month.min().as_scalar())
    first = first.rename(check_estate="estate_id", check_month="month")
    rows = rows.left_join(first, [rows.estate_id == first.check_estate, rows.month == first.check_month])
    rows = _delivered(rows.drop("check_estate", "check_month"))
    rows = rows.mutate(met=rows.done.fill_null(False)).filter(lambda t: t.met | t.answers)
    return rows.select(
        "estate_id",
        record_id=ibis.coalesce(rows.check, rows.estate_id + "/" + rows.month.cast("string").substr(0, 7)),
        occurred_on=ibis.coalesce(rows.inspected_on, rows.month_last),
        decided_on="month_last",
        numerator=rows.met.cast("float64"),
        denominator=ibis.literal(1.0),
    )


def _managed_months(records):
    """One row per estate on the register and month, with ``answers``: one company in charge from its first day on."""
    steps = ibis.memtable({"step": [0, 1, 2]})
    months = records.quarters.select("start").cross_join(steps)
    months = months.mutate(month=months.start + months.step.as_interval("M"))
    months = months.select("month", month_end=months.month + ibis.interval(months=1))
    months = months.mutate(month_last=months.month_end - ibis.interval(days=1))
    register = records.estate_days.select("estate_id", "subdistrict_id", "valid_from", "valid_to")
    rows = months.join(register, [months.month_last >= register.valid_from, months.month_last < register.valid_to])
    spells = records.managed.select(spell_estate="estate_id", spell_from="valid_from", spell_to="valid_to")
    rows = rows.left_join(
        spells,
        [rows.estate_id == spells.spell_estate, rows.month >= spells.spell_from, rows.month_end <= spells.spell_to],
    )
    return rows.select("estate_id", "subdistrict_id", "month", "month_last", answers=rows.spell_estate.notnull())


def _delivered(rows):
    """Leave out months in which a sub-district that usually has checks delivered none: missing is not undone."""
    found = rows.group_by("subdistrict_id", "month").agg(found=rows.check.notnull().sum())
    usual = found.filter(found.found > 0).group_by("subdistrict_id").agg(usual=lambda t: t.found.median())
    silent = found.filter(found.found == 0).join(usual, "subdistrict_id")
    silent = silent.select("usual", silent_area="subdistrict_id", silent_month="month")
    rows = rows.left_join(silent, [rows.subdistrict_id == silent.silent_area, rows.month == silent.silent_month])
    return rows.filter(~(rows.usual >= rows.usual_checks_min).fill_null(False))


METRIC = Metric(
    code="F06",
    family="proportion",
    record="inspections",
    unit="share",
    evidence=evidence,
    shows=("inspected_on", "signed"),
    source="company",
)
