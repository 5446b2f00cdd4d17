"""What the time of year brings to every estate, so that a summer in charge is not held against a company (method.md 2.4).

Where a metric counts events per homes and year and the district's events follow the calendar, each month's exposure is
multiplied by its factor (indirect standardisation): exposure is then what was to be expected, and a year's exposure of
the whole district stays what it was. The twelve months are units of the same moments as estates (F1), so chance alone
makes no season.
"""

from __future__ import annotations

import ibis.expr.types as ir
import numpy as np
import polars as pl

from metrics import moments
from metrics.base import Metric, Records
from metrics.calendar import Quarter
from metrics.grid import Groups
from metrics.sums import exact_sum, exposed_months, month_table
from rules.book import Rule

MONTHS = 12
DIGITS = 6
#: Why a metric's months stay as they are.
STEADY, FEW_YEARS, FEW_EVENTS = "steady", "few_years", "few_events"
ONE = Groups(np.zeros(MONTHS, dtype=np.int64), 1)


def month_factors(y: np.ndarray, e: np.ndarray) -> tuple[float, np.ndarray]:
    """Variation between the calendar months beyond chance, relative to their level, and each month's factor.

    Args:
        y: (12,) events (severity: divided by their class constant), e: (12,) exposure.

    Returns:
        tau / m, and (12,) factors pulled to 1 by what chance explains, whose exposure-weighted mean is 1.

    With e = 1, y = 150 in six months and 50 in six: m = 100, Q = 12 x 50^2, noise = 1,100, room = 11, so
    tau2 = 28,900 / 11 and tau / m = .512569; factors (m^2 + tau2 y) / (m + tau2) / m = 1.481661 and .518339.
    """
    column = e[:, None]
    found = moments.rates(y[:, None], column, column, ONE)
    m, tau2 = found.m[0, 0], np.nan_to_num(found.tau2[0, 0])
    if not m > 0:
        return 0.0, np.ones(MONTHS)
    factor = moments.ratio(m**2 + tau2 * y, m + tau2 * e, m) / m
    return float(np.sqrt(tau2) / m), factor * e.sum() / (factor * e).sum()


def _monthly(name: str, metric: Metric, evidence: ir.Table, exposed: ir.Table) -> ir.Table:
    """One row per calendar month: ``y, yy, e, years``; undecayed, of the whole district."""
    of_year = exposed.month.month()
    days = exposed.end.delta(exposed.start, unit="day").cast("float64")
    exposure = exposed.mutate(e=days * exposed["size"] / exposed.year_days / float(metric.per), calendar=of_year)
    exposure = exposure.group_by("calendar").agg(e=exact_sum(exposure.e), years=exposure.month.nunique())
    rows = evidence.filter((evidence.metric == name) & (evidence.excluded.isnull() | (evidence.excluded == "grace")))
    rows = rows.mutate(month=rows.decided_on.truncate("month"), calendar=rows.decided_on.month())
    covered = exposed.select("estate_id", "month").distinct()
    counted = rows.semi_join(covered, ["estate_id", "month"])
    counted = counted.group_by("calendar").agg(y=exact_sum(counted.numerator), yy=exact_sum(counted.square))
    return exposure.left_join(counted, "calendar").select("calendar", "y", "yy", "e", "years")


def _of_metric(name: str, rows: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    months = pl.DataFrame({"month": range(1, MONTHS + 1)}, schema={"month": pl.Int64})
    rows = rows.select(pl.col("calendar").cast(pl.Int64).alias("month"), "y", "yy", "e", "years")
    full = months.join(rows, on="month", how="left", maintain_order="left").fill_null(0)
    y, yy, e = (full[c].cast(pl.Float64).to_numpy() for c in ("y", "yy", "e"))
    events = y.sum() ** 2 / yy.sum() if yy.sum() else 0.0  # how many equal events would tell as much
    cv, factor = month_factors(y * events / y.sum(), e) if events else (0.0, np.ones(MONTHS))
    why = STEADY if cv <= rule["season_cv"] else None
    why = FEW_EVENTS if events < rule["season_events_min"] else why
    why = FEW_YEARS if full["years"].min() < rule["season_years_min"] else why
    return pl.DataFrame(
        {
            "metric": [name] * MONTHS,
            "month": full["month"],
            "events": y,
            "exposure": e,
            "cv": [round(cv, DIGITS)] * MONTHS,
            "factor": (np.ones(MONTHS) if why else factor).round(DIGITS),
            "applied": [why is None] * MONTHS,
            "why_not": pl.Series([why] * MONTHS, dtype=pl.String),
        }
    )


def seasons(
    evidence: ir.Table, chosen: dict[str, Metric], days: dict[str, str], records: Records, last: Quarter, quarters: int,
    rule: Rule,
) -> pl.DataFrame:  # fmt: skip
    """Contract Season: twelve rows per metric of events in time, with the factor of each calendar month.

    Days overdue (severity) are left out: a stretch of them is dated by its end, mostly a quarter's last day.

    Args:
        evidence: contract Evidence. days: record table to its event-day column. rule: the index rule in force.
    """
    months = month_table(last, quarters)
    frames = []
    for name, metric in chosen.items():
        if metric.exposure and metric.family == "rate":
            exposed = exposed_months(metric, days[metric.record], records, months, rule)
            rows = _monthly(name, metric, evidence, exposed).to_polars()
            frames.append(_of_metric(name, rows, rule))
    return pl.concat(frames)


def factors(frame: pl.DataFrame) -> dict[str, tuple[float, ...]]:
    """Metric to its twelve factors, January first, where they apply."""
    applied = frame.filter("applied").sort("metric", "month").group_by("metric", maintain_order=True).agg("factor")
    return {name: tuple(values) for name, values in applied.iter_rows()}
