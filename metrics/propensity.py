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


def propensity(
    duplicates: np.ndarray, exposure: np.ndarray, m: np.ndarray | float, tau2: np.ndarray | float,
    least: float = 0.5, most: float = 1.6,
) -> np.ndarray:  # fmt: skip
    """Gamma-Poisson estimate of duplicates per exposure, over the class level ``m``, within bounds.

    (m^2 + tau2 y) / (m + tau2 e) / m. T21: alpha = beta = 4 is m = 1, tau2 = .25; 30 duplicates on exposure 20 give
    (4 + 30) / (4 + 20) = 1.416667.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        pi = (m**2 + tau2 * duplicates) / (m + tau2 * exposure) / m
    return np.clip(np.where(np.isfinite(pi), pi, 1.0), least, most)


def propensities(
    duplicates: np.ndarray, exposure: np.ndarray, groups: Groups, by_period: Groups, rule: Rule,
    least: float = 0.5, most: float = 1.6,
) -> np.ndarray:  # fmt: skip
    """(U,) propensity of every estate and period, against its own class in that period.

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
    return propensity(duplicates, exposure, m, spread * m**2, least, most)
