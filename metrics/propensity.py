"""How readily an estate's people report (method.md 14.2), so that quiet estates earn no free credit.

Once a matter is open, how bad it is has been seen: how often *other* callers report the same matter again tells how
readily people call, whatever the company's work. Axes: U estates and periods, G classes in periods.
"""

from __future__ import annotations

import numpy as np

from metrics import moments
from metrics.grid import Groups
from metrics.priors import shared_spread, steady_level
from rules.book import Rule


def relative(
    duplicates: np.ndarray, exposure: np.ndarray, m: np.ndarray | float, tau2: np.ndarray | float
) -> np.ndarray:
    """Gamma-Poisson estimate of duplicates per exposure, over the class level ``m``: (m^2 + tau2 y) / (m + tau2 e) / m.

    T21: alpha = beta = 4 is m = 1, tau2 = .25; 30 duplicates on exposure 20 give (4 + 30) / (4 + 20) = 1.416667.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        pi = (m**2 + tau2 * duplicates) / (m + tau2 * exposure) / m
    return np.where(np.isfinite(pi), pi, 1.0)


def propensity(
    duplicates: np.ndarray, exposure: np.ndarray, m: np.ndarray | float, tau2: np.ndarray | float,
    least: float = 0.5, most: float = 1.6,
) -> np.ndarray:  # fmt: skip
    """``relative``, within bounds."""
    return np.clip(relative(duplicates, exposure, m, tau2), least, most)


def centred(pi: np.ndarray, exposure: np.ndarray, groups: Groups) -> np.ndarray:
    """Divide by the mean of each class's estates that had an open matter; the others are usual, 1.

    The class level is duplicates over matter-days, and where people call readily more matters are open: it is the level
    of the loud. Left so, the average estate would count as quiet and every matter as more than one against fixed
    goalposts (log propensity of sd .45: by e^(.45^2) = 1.22).
    """
    seen = exposure > 0
    total, count = (groups.total(x[:, None])[:, 0] for x in (np.where(seen, pi, 0.0), seen.astype(float)))
    mean = moments.ratio(total, count, 1.0)
    return np.where(seen, pi / mean[groups.of], 1.0)


def propensities(
    duplicates: np.ndarray, exposure: np.ndarray, groups: Groups, by_period: Groups, rule: Rule,
    least: float = 0.5, most: float = 1.6,
) -> np.ndarray:  # fmt: skip
    """(U,) propensity of every estate and period, against its own class in that period: 1 on average, before bounds.

    Args:
        duplicates, exposure: (U,) in the order of ``groups``; exposure 0 = nothing to tell by, propensity 1.
        groups: classes in periods. by_period: the same G classes by period.
        rule: the index rule; small classes take the spread of all classes, as every rate does (method.md 2.4).
    """
    y, e = duplicates[:, None].astype(np.float64), exposure[:, None].astype(np.float64)
    found = moments.rates(y, e, e, groups)
    family = np.array(["rate"])
    m = steady_level(found, family, by_period)[groups.of, 0]
    spread = shared_spread(found, family, by_period, rule)[groups.of, 0]
    pi = centred(relative(duplicates, exposure, m, spread * m**2), exposure, groups)
    return np.clip(pi, least, most)
