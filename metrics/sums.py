"""From evidence to sums: decayed numerators and exposures per unit, metric and period (method.md sections 1, 6).

Decay is ``w = 2 ** (-age / half-life)`` by the day, cut off after the window's quarters. Because ``w`` factors
into (day to quarter's end) x (quarter's end to period's end), records are read once, summed per quarter, and the
periods are built from those quarter sums.

Three levels are summed side by side (data/edition_tables.py): the estate (all records), the company's spell and
the office head's spell (records attributed to it). Records shown but not counted (``excluded``) are left out;
``grace`` ones stay with the estate and are only spared the newcomer.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import ibis
import ibis.expr.types as ir

from metrics.base import Metric, Records
from metrics.calendar import Quarter, quarters_up_to
from metrics.evidence import spells
from rules.book import Rule

MONTH_DAYS = 365.25 / 12
#: Obligations that are a state on the period's last day, not a duty done or missed.
STATE = (0,)
SUMS = ("y", "e", "e2", "yy", "records")
EVEN = (1.0,) * 12  # a metric without a season


def decay(age_days: ir.Value | float, half_life_months: float):
    """``2 ** (-age / half-life)``; age in days, half-life in months of 365.25 / 12 days.

    >>> decay(365.25, 12)
    0.5
    """
    exponent = -1.0 * age_days / (half_life_months * MONTH_DAYS)
    return ibis.literal(2.0) ** exponent if isinstance(age_days, ir.Value) else 2.0**exponent


def exact_sum(column: ir.Value) -> ir.Value:
    """Sum in fixed point (nine decimals): the same to the last bit whatever order an engine adds in."""
    return column.cast("decimal(18, 9)").sum().cast("float64")


def decayed_days(start: ir.Value, end: ir.Value, last: ir.Value, half_life_months: float) -> ir.Value:
    """Sum of the daily weights of ``[start, end)`` seen from ``last``: a finite geometric series."""
    days = half_life_months * MONTH_DAYS
    ratio = 2.0 ** (1.0 / days)

    def power(day: ir.Value) -> ir.Value:
        return ibis.literal(2.0) ** (day.delta(last, unit="day").cast("float64") / days)

    return (power(end) - power(start)) / (ratio - 1.0)


def _by_level(rows: ir.Table) -> ir.Table:
    """Sum quarter rows (estate_id, unit_id, tenure_id, spared + SUMS) for the three levels."""

    def level(name: str, key: str, counted: ir.Table) -> ir.Table:
        kept = counted.filter(counted[key].notnull())
        return kept.group_by(level=ibis.literal(name), unit_id=kept[key], metric=kept.metric, ordinal=kept.ordinal).agg(
            **{s: exact_sum(kept[s]) for s in SUMS[:-1]}, records=kept.records.sum()
        )

    own = rows.filter(~rows.spared)
    return ibis.union(
        level("estate", "estate_id", rows), level("tenure", "unit_id", own), level("head", "tenure_id", own)
    )


def _undone(rows: ir.Table, proportions: list[str]) -> ir.Table:
    """Divide what failed on a visit by the row's ``factor`` (metrics/adjust.py); rows without one stay as they are.

    A proportion counts what passed, so the rest is divided; severity counts what failed.
    """
    failed = rows.denominator - rows.numerator
    passed = rows.metric.isin(proportions) if proportions else ibis.literal(False)
    divided = passed.ifelse(rows.denominator - failed / rows.factor, rows.numerator / rows.factor)
    return rows.mutate(
        numerator=rows.factor.isnull().ifelse(rows.numerator, divided),
        square=rows.factor.isnull().ifelse(rows.square, rows.square / rows.factor),
    )


def _evidence_quarters(
    evidence: ir.Table, quarters: ir.Table, plain: Iterable[str], proportions: list[str], half_life: float
) -> ir.Table:
    """Evidence summed per estate, tenure, metric and quarter, weighted to the quarter's last day."""
    rows = evidence.filter(evidence.excluded.isnull() | (evidence.excluded == "grace"))
    rows = rows.join(quarters.select("period", "ordinal", "last"), "period")
    weight = decay(rows["last"].delta(rows.decided_on, unit="day").cast("float64"), half_life)
    plain = list(plain)
    rows = _undone(rows, proportions)
    rows = rows.mutate(w=rows.metric.isin(plain).ifelse(1.0, weight) if plain else weight)
    return rows.group_by("metric", "estate_id", "unit_id", "tenure_id", "ordinal", spared=rows.excluded.notnull()).agg(
        y=exact_sum(rows.w * rows.numerator),
        e=exact_sum(rows.w * rows.denominator),
        e2=exact_sum(rows.w * rows.w * rows.denominator),
        yy=exact_sum(rows.w * rows.square),
        records=rows.count(),
    )


def evidence_sums(evidence: ir.Table, metrics: dict[str, Metric], quarters: ir.Table, rule: Rule) -> ir.Table:
    """What these rows of evidence alone add to ``quarter_sums``; exposure in time is nobody's row."""
    plain, proportions = ([n for n, m in metrics.items() if m.family == f] for f in ("obligation", "proportion"))
    return _by_level(_evidence_quarters(evidence, quarters, plain, proportions, rule["half_life_months"]))


def month_table(last: Quarter, count: int, factors: tuple[float, ...] = EVEN) -> ir.Table:
    """One row per month of the quarters: ``month`` (its first day), ``month_end`` (exclusive), ``ordinal``, ``last``,
    ``year_days``, ``season`` (its calendar month's of ``factors``, metrics/season.py)."""
    rows = []
    for ordinal, quarter in enumerate(quarters_up_to(last, count)):
        starts = [date(quarter.year, quarter.start.month + i, 1) for i in range(3)]
        year_days = (date(quarter.year + 1, 1, 1) - date(quarter.year, 1, 1)).days
        rows += [
            (start, end, ordinal, quarter.last, float(year_days), factors[start.month - 1])
            for start, end in zip(starts, [*starts[1:], quarter.end], strict=True)
        ]
    return ibis.memtable(rows, schema={"month": "date", "month_end": "date", "ordinal": "int64", "last": "date",
                                       "year_days": "float64", "season": "float64"})  # fmt: skip


def covered_months(records: Records, table: str, day: str, months: ir.Table, expected_min: float) -> ir.Table:
    """One row per sub-district and month whose records of ``table`` were delivered.

    A month without any record is taken for a missing delivery only where the sub-district's usual monthly count
    is at least ``expected_min`` (chance of an empty month e**-count); elsewhere silence is believable. A table
    of which no row was ever delivered covers nothing.
    """
    rows = records._tables[table]
    estates = records.estate_days
    where = estates.group_by("estate_id").agg(subdistrict_id=estates.subdistrict_id.max())
    dated = rows.filter(rows.estate_id.notnull()).select("estate_id", month=rows[day].truncate("month"))
    counts = dated.join(where, "estate_id").group_by("subdistrict_id", "month").agg(found=ibis._.count())
    usual = counts.group_by("subdistrict_id").agg(usual=counts.found.median())
    delivered = counts.agg(rows_ever=counts.count())
    grid = where.select("subdistrict_id").distinct().cross_join(months.select("month")).cross_join(delivered)
    grid = grid.filter(grid.rows_ever > 0)
    known = grid.left_join(usual, "subdistrict_id").drop("subdistrict_id_right")
    known = known.left_join(counts, ["subdistrict_id", "month"])
    believable = (known.found.fill_null(0) > 0) | (known.usual.fill_null(0) < expected_min)
    return known.filter(believable).select("subdistrict_id", "month")


def exposed_months(metric: Metric, day: str, records: Records, months: ir.Table, rule: Rule) -> ir.Table:
    """One row per estate the metric applies to and covered month: the estate's ``size``, ``start`` and ``end``
    (exclusive) of its days in the month, and the columns of ``months``."""
    estates = records.estate_days
    if metric.applies is not None:
        estates = estates.filter(metric.applies(estates))
    residents = estates.residents.fill_null(estates.households * 2)
    size = residents if metric.exposure == "residents" else estates.households
    estates = estates.select(
        "estate_id", "subdistrict_id", size=size.cast("float64"), since=estates.valid_from,
        until=estates.valid_to,
    )  # fmt: skip
    rows = estates.join(months, [estates.since < months.month_end, estates.until > months.month])
    covered = covered_months(records, metric.record, day, months, rule["missing_month_expected_min"])
    rows = rows.join(covered, ["subdistrict_id", "month"])
    return rows.mutate(start=ibis.greatest(rows.since, rows.month), end=ibis.least(rows.until, rows.month_end)).filter(
        lambda t: t.end > t.start
    )


def _exposure_quarters(name: str, metric: Metric, day: str, records: Records, months: ir.Table, rule: Rule) -> ir.Table:
    """Time under management times homes (residents), per estate, tenure and quarter, in ``metric.per`` years."""
    half_life = rule["half_life_months"]
    rows = exposed_months(metric, day, records, months, rule)
    tenures = spells(records.tenures).select("tenure_id", "unit_id", "estate_id", "valid_from", "valid_to")
    owned = rows.join(
        tenures,
        [rows.estate_id == tenures.estate_id, tenures.valid_from < rows.end, tenures.valid_to > rows.start],
    ).mutate(
        start=lambda t: ibis.greatest(t.start, t.valid_from),
        end=lambda t: ibis.least(t.end, t.valid_to),
    )  # fmt: skip
    whole = rows.mutate(tenure_id=ibis.null("string"), unit_id=ibis.null("string"))
    keep = ("estate_id", "unit_id", "tenure_id", "ordinal", "last", "year_days", "season", "size", "start", "end")
    # the estate's own exposure counts every day; its tenures' rows carry no estate so that nothing counts twice
    both = ibis.union(whole.select(*keep), owned.mutate(estate_id=ibis.null("string")).select(*keep))
    years = both["size"] / both.year_days / float(metric.per) * both.season
    both = both.mutate(
        e=decayed_days(both.start, both.end, both["last"], half_life) * years,
        e2=decayed_days(both.start, both.end, both["last"], half_life / 2) * years,
    )
    return both.group_by(
        "estate_id", "unit_id", "tenure_id", "ordinal", metric=ibis.literal(name), spared=ibis.literal(False)
    ).agg(
        y=ibis.literal(0.0), e=exact_sum(both.e), e2=exact_sum(both.e2), yy=ibis.literal(0.0),
        records=ibis.literal(0).cast("int64"),
    )  # fmt: skip


def quarter_sums(
    evidence: ir.Table, metrics: dict[str, Metric], days: dict[str, str], records: Records, last: Quarter,
    quarters: int, rule: Rule, seasons: dict[str, tuple[float, ...]] | None = None,
) -> ir.Table:  # fmt: skip
    """One row per level, unit, metric and quarter (``ordinal``) with SUMS weighted to the quarter's last day.

    Args:
        evidence: contract Evidence (all metrics together).
        days: record table to its event-day column (``data.contracts.TABLES[..].day``), for coverage of rates.
        rule: the index rule in force (half-life, coverage).
        seasons: metric to twelve factors of its months' exposure (metrics/season.py); even without.
    """
    plain = [n for n, m in metrics.items() if m.family == "obligation"]
    table = records.quarters
    proportions = [n for n, m in metrics.items() if m.family == "proportion"]
    parts = [_evidence_quarters(evidence, table, plain, proportions, rule["half_life_months"])]
    months = {n: month_table(last, quarters, (seasons or {}).get(n, EVEN)) for n, m in metrics.items() if m.exposure}
    parts += [_exposure_quarters(n, metrics[n], days[metrics[n].record], records, of, rule) for n, of in months.items()]
    columns = ("metric", "estate_id", "unit_id", "tenure_id", "ordinal", "spared", *SUMS)
    rows = [p.select(*columns) for p in parts]
    return _by_level(ibis.union(*rows) if len(rows) > 1 else rows[0])


def _cycles(metrics: dict[str, Metric]) -> list[tuple[int, ...]]:
    """The distinct cycles of the obligations."""
    return sorted({m.cycles for m in metrics.values() if m.family == "obligation"})


def period_sums(per_quarter: ir.Table, metrics: dict[str, Metric], quarters: ir.Table, scored: int, rule: Rule):
    """One row per level, unit, period and metric: contract MetricSum, for the newest ``scored`` quarters."""
    newest = quarters.ordinal.max().as_scalar()
    periods = quarters.filter(quarters.ordinal > newest - scored).select(
        "period", period_ordinal="ordinal", period_last="last"
    )
    days = quarters.select("ordinal", quarter_last="last")
    rows = per_quarter.join(days, "ordinal")
    rows = rows.join(periods, [rows.ordinal <= periods.period_ordinal])
    back = rows.period_ordinal - rows.ordinal
    plain = [n for n, m in metrics.items() if m.family == "obligation"]
    is_plain = rows.metric.isin(plain) if plain else ibis.literal(False)
    in_cycle = [rows.metric.isin([n for n in plain if metrics[n].cycles == c]) & back.isin(c) for c in _cycles(metrics)]
    rows = rows.filter(ibis.or_(*in_cycle, ~is_plain & (back < rule["window_quarters"])))
    age = rows.period_last.delta(rows.quarter_last, unit="day").cast("float64")
    factor = (
        rows.metric.isin(plain).ifelse(1.0, decay(age, rule["half_life_months"]))
        if plain
        else decay(age, rule["half_life_months"])
    )
    rows = rows.mutate(factor=factor)
    sums = rows.group_by("level", "unit_id", "period", "metric").agg(
        y=exact_sum(rows.factor * rows.y),
        e=exact_sum(rows.factor * rows.e),
        e2=exact_sum(rows.factor * rows.factor * rows.e2),
        yy=exact_sum(rows.factor * rows.yy),
        records=rows.records.sum(),
    )
    states = [n for n, m in metrics.items() if m.family == "obligation" and m.cycles == STATE]
    if states:  # a count on a day is out of one, however many records make it
        is_state = sums.metric.isin(states)
        sums = sums.mutate(e=is_state.ifelse(1.0, sums.e), e2=is_state.ifelse(1.0, sums.e2))
    return sums.filter(sums.e > 0)
