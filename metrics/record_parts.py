"""What each record takes off a score: one metric's lost points, split exactly between its records and the class.

An estimate's distance from a flawless record is a sum: of what each record adds, weighted by its age, and of what the
class's level stands for (the small-sample part). A rate: (alpha + sum w y) / (beta + e). A proportion:
1 - (m M + k) / (M + n) = (M (1 - m) + sum w failed) / (M + n). A mean: (sum w (best - x) + (sigma2 / tau2) (best - m)) over
their weights. A duty: what was missed. So the points a metric costs are divided in proportion, and sum to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from metrics.base import Metric
from metrics.calendar import Quarter
from metrics.sums import MONTH_DAYS


@dataclass(frozen=True)
class Cell:
    """One metric of one unit and period, and what its class says (contracts MetricScore, Prior, Dispersion).

    Attributes:
        lost: index points the metric costs, 0 or less.
        m, tau2, c: of the class's prior; NaN for a duty.
        throws: points are divided by it (metrics/dispersion.py).
        fail, best: goalposts.
    """

    lost: float
    m: float
    tau2: float
    c: float
    throws: float
    fail: float
    best: float

    @property
    def more_is_better(self) -> bool:
        return self.best > self.fail


def counts(rows: pl.DataFrame, metric: Metric, level: str, period: str, window: int) -> pl.DataFrame:
    """The rows of evidence that count for a unit of this level in this period (metrics/sums.py).

    Args:
        rows: contract Evidence. window: quarters.
    """
    quarters = [
        str(Quarter.parse(period) - n) for n in (metric.cycles if metric.family == "obligation" else range(window))
    ]
    spared = (pl.col("excluded") == "grace") if level == "estate" else pl.lit(False)
    return rows.filter(pl.col("period").is_in(quarters), pl.col("excluded").is_null() | spared.fill_null(False))


def amounts(rows: pl.DataFrame, metric: Metric, cell: Cell, last: date, half_life: float) -> np.ndarray:
    """(R,) what each record adds to the distance from a flawless record, before it is divided by the whole evidence."""
    num, den, eyes = (rows[c].cast(pl.Float64).to_numpy() for c in ("numerator", "denominator", "factor"))
    eyes = np.where(np.isnan(eyes), 1.0, eyes)
    age = (pl.Series([last]) - rows["decided_on"]).dt.total_days().to_numpy().astype(float)
    weight = np.ones(len(num)) if metric.family == "obligation" else 2.0 ** (-age / (half_life * MONTH_DAYS))
    failed = (den - num) / eyes
    match metric.family:
        case "proportion":
            return weight * (failed if cell.more_is_better else den - failed) / cell.throws
        case "mean":
            return weight * (cell.best * den - num) * (1 if cell.more_is_better else -1)
        case "obligation":
            return den - num if cell.more_is_better else num
        case "severity":
            return weight * num / eyes / cell.c
        case _:
            return weight * num


def of_class(metric: Metric, cell: Cell) -> float:
    """What the class's level adds, in the same measure; 0 for a duty, which has no class."""
    if metric.family == "obligation" or not cell.tau2 > 0:
        return 0.0
    if metric.family == "proportion":
        return (1 / cell.tau2 - 1) * (1 - cell.m if cell.more_is_better else cell.m)
    if metric.family == "mean":
        return cell.c / cell.tau2 * (cell.best - cell.m) * (1 if cell.more_is_better else -1)
    return cell.m**2 / cell.tau2


def split(rows: pl.DataFrame, metric: Metric, cell: Cell, last: date, half_life: float) -> tuple[np.ndarray, float]:
    """Index points each record takes off, (R,), and those the class's level stands for; they sum to ``cell.lost``.

    T4, first estate: alpha 2.338710 and two fires make 4.338710: of the points the rate costs, the fires take 23.05 % each
    and the class 53.90 %.
    """
    own, peers = amounts(rows, metric, cell, last, half_life), of_class(metric, cell)
    whole = own.sum() + peers
    if whole <= 0:  # nothing failed anywhere: what is lost is lost by the goalposts
        return np.zeros(len(own)), cell.lost
    points = cell.lost * own / whole
    return points, cell.lost - float(points.sum())
