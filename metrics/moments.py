"""Closed-form moments of a class of estates (method.md 2.2): its level and the spread between its estates.

Every function takes (U, J) matrices of decayed sums, ``e`` = 0 where nothing was collected, and ``Groups`` of rows (one
group per period and class), and returns (G, J) matrices. Sums only, so SQL gives the same. ``y`` of severity metrics is
divided by the class constant first (``class_constant``): they are then scaled Poisson and share the rate formulas.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincinv

from metrics.grid import Groups

#: Least part of the exposure a spread needs to be told from noise: below, one record per estate says nothing of it.
IDENTIFIED = 1e-6
#: How often the spread and what is credible beside it are found in turn; by then neither moves by a hundredth.
ROUNDS = 6


@dataclass(frozen=True)
class Moments:
    """Level and spread of each group and metric, (G, J).

    Attributes:
        m: class level; NaN where nothing was collected.
        tau2: variance between estates, at least 0 (proportions: intra-class correlation rho); NaN where the records
            cannot tell spread from noise.
        total: exposure of the class.
        units: estates with exposure.
        c: severity: the class constant; mean: variance within estates; else 1.
    """

    m: np.ndarray
    tau2: np.ndarray
    total: np.ndarray
    units: np.ndarray
    c: np.ndarray


def ratio(a: np.ndarray, b: np.ndarray, default: float = np.nan) -> np.ndarray:
    """a / b; ``default`` where b is 0."""
    a, b = np.broadcast_arrays(a, b)
    return np.divide(a, b, out=np.full(b.shape, default), where=b != 0)


def _spread(excess: np.ndarray, room: np.ndarray, total: np.ndarray, most: float = np.inf) -> np.ndarray:
    found = room > IDENTIFIED * total
    return np.where(found, np.clip(ratio(excess, np.where(found, room, 1.0)), 0.0, most), np.nan)


def credible(rate: np.ndarray, level: np.ndarray, variance: np.ndarray, chance: float) -> np.ndarray:
    """Rates, none above what a Gamma of this mean and variance exceeds with probability ``chance``.

    Only rates 3 standard deviations out are looked at: the bound never lies nearer for a chance up to .001.
    """
    out = rate.copy()
    with np.errstate(divide="ignore", invalid="ignore"):
        far = np.nonzero((variance > 0) & (level > 0) & (rate - level > 3 * np.sqrt(variance)))
        m, v = level[far], variance[far]
        out[far] = np.minimum(rate[far], gammaincinv(m**2 / v, 1 - chance) * v / m)
    return out


def drawn_in(rate: np.ndarray, e: np.ndarray, kish: np.ndarray, groups: Groups, chance: float) -> np.ndarray:
    """Rates, each at most what all others of its group make credible; NaN without exposure.

    The bound starts from chance alone and widens with the spread found among what is drawn in so far: in a class of
    hundreds a few outliers do not hide one another, and the spread that estates truly have stays.
    """
    seen = e > 0
    e, kish = np.where(seen, e, 0.0), np.where(seen, kish, 0.0)

    def others(x: np.ndarray) -> np.ndarray:
        return groups.total(x)[groups.of] - x

    weight, square, units, paired = others(e), others(e**2), others(kish), others(kish * e)
    room = weight - ratio(square, weight)
    whole = groups.total(e)[groups.of]
    m = ratio(groups.total(np.where(seen, e * rate, 0.0))[groups.of], whole)
    out = credible(rate, m, ratio(m * kish, e), chance)
    for _ in range(ROUNDS):
        part = np.where(seen, out, 0.0)
        m = ratio(others(e * part), weight)
        q = others(e * part**2) - weight * m**2
        tau2 = np.nan_to_num(_spread(q - m * (units - ratio(paired, weight)), room, weight))
        out = credible(rate, m, tau2 + ratio(m * kish, e), chance)
    return out


def class_constant(y: np.ndarray, yy: np.ndarray, groups: Groups) -> np.ndarray:
    """Severity: c = sum w^2 y / sum w y of each group; NaN without a single event.

    T3: 4 severe (14.8), 20 moderate (5.5) and 40 low (2.4) give 1711.56 / 265.2 = 6.453846.
    """
    return ratio(groups.total(yy), groups.total(y))


def rates(y: np.ndarray, e: np.ndarray, e2: np.ndarray, groups: Groups, tail: float = 0.0) -> Moments:
    """Gamma-Poisson: ``y`` events on exposure ``e`` (F1; F3 with scaled ``y``).

    Args:
        tail: chance of a rate beyond which it is drawn in while the spread is estimated (never the level, never a
            score); 0 = never.

    Cutting a fixed share of the rates instead (2.5 % at either end) takes chance out of Q and leaves all of it in what
    is subtracted: where records are few, nothing remains (fires at .1 a year per estate: CV^2 .003 for a true .24).

    T4: y = [2, 0, 6, 1, 11], e = [4, 1, 8, 2, 5] give m = 1, tau2 = .427586.
    """
    total = groups.total(e)
    m = level = ratio(groups.total(y), total)
    seen, rate, kish, whole = e > 0, ratio(y, e), ratio(e2, e), total[groups.of]
    if tail > 0:
        rate = drawn_in(rate, e, kish, groups, tail)
        level = ratio(groups.total(np.where(seen, e * rate, 0.0)), total)
    level = level[groups.of]
    q = groups.total(np.where(seen, e * (rate - level) ** 2, 0.0))
    noise = groups.total(np.where(seen, level * kish * (1 - ratio(e, whole)), 0.0))
    tau2 = _spread(q - noise, total - ratio(groups.total(e**2), total), total)
    return Moments(m, tau2, total, groups.total(seen.astype(float)), np.ones_like(m))


def proportions(k: np.ndarray, n: np.ndarray, n2: np.ndarray, groups: Groups) -> Moments:
    """Beta-binomial: ``k`` of ``n`` (F2); ``tau2`` is the intra-class correlation rho.

    T5: k = [10, 2, 12, 2, 14], n = [10, 4, 16, 4, 16] give m = .8, rho = .115112.
    """
    total = groups.total(n)
    m = ratio(groups.total(k), total)
    seen, level = n > 0, m[groups.of]
    rest, kish = 1 - ratio(n, total[groups.of]), ratio(n2, n)
    with np.errstate(divide="ignore", invalid="ignore"):
        q = groups.total(np.where(seen, n * (ratio(k, n) - level) ** 2 / (level * (1 - level)), 0.0))
    q = np.where(np.isfinite(q), q, 0.0)  # all passed or all failed: no spread was seen
    noise = groups.total(np.where(seen, kish * rest, 0.0))
    rho = _spread(q - noise, groups.total(np.where(seen, (n - kish) * rest, 0.0)), total, most=0.95)
    return Moments(m, rho, total, groups.total(seen.astype(float)), np.ones_like(m))


def within_variance(y: np.ndarray, e: np.ndarray, e2: np.ndarray, yy: np.ndarray, groups: Groups) -> np.ndarray:
    """Mean: pooled variance of visits within estates; NaN where no estate had two visits."""
    inner = np.where(e > 0, np.maximum(yy - ratio(y**2, e, 0.0), 0.0), 0.0)
    freedom = np.where(e > 0, e - ratio(e2, e, 0.0), 0.0)
    total = groups.total(freedom)
    found = total > IDENTIFIED * groups.total(e)
    return np.where(found, ratio(groups.total(inner), np.where(found, total, 1.0)), np.nan)


def means(y: np.ndarray, e: np.ndarray, e2: np.ndarray, sigma2: np.ndarray, groups: Groups) -> Moments:
    """Normal-Normal: the mean of visits (F4), given the variance within estates ``sigma2`` (G, J)."""
    seen = e > 0
    mean = ratio(y, e)
    v = np.where(seen, sigma2[groups.of] * ratio(e2, e**2), np.nan)
    total = groups.total(np.where(seen, 1 / v, 0.0))
    m = ratio(groups.total(np.where(seen, mean / v, 0.0)), total)
    units = groups.total(seen.astype(float))
    q = groups.total(np.where(seen, (mean - m[groups.of]) ** 2 / v, 0.0))
    tau2 = _spread(q - (units - 1), total - ratio(groups.total(np.where(seen, v**-2.0, 0.0)), total), total)
    again = np.where(seen, 1 / (v + np.nan_to_num(tau2)[groups.of]), 0.0)
    m = ratio(groups.total(np.where(seen, again * mean, 0.0)), groups.total(again))
    return Moments(m, tau2, groups.total(e), units, sigma2)
