"""How well a score tells its unit from the others of its class (method.md 7): what decides whether it is rated.

R = 1 - noise^2 / (Var(S) + mean noise^2). The noise is the unit's own standard deviation or, where that is less, what
anybody of the class with as much evidence has on average: points fall more steeply below the legal minimum, so that by
their own spread the worst would always come out as "too little evidence" (Toronto 2018: 197 of the 202 buildings more
likely failing than not). How far a unit's own score may be off is said by its interval and its chances.
"""

from __future__ import annotations

import numpy as np

from metrics.grid import Grid
from metrics.index import slope
from metrics.points import steepness
from metrics.priors import BETA, GAMMA, NORMAL, Priors
from metrics.terms import Terms
from rules.book import Rule

NONE = 1e-6  # points: a smaller standard deviation is rounding in the draws of a fact


def expected_variance(grid: Grid, terms: Terms, priors: Priors) -> np.ndarray:
    """(U, J) variance left in an estimate on average over the class, given how much was recorded of the unit.

    Rates c^2 tau2 m / (m + tau2 e); proportions rho m (1 - m) M / (M + n) with M = 1 / rho - 1; means
    tau2 c / (c + tau2 n); facts 0. T4 with lambda 2: m = 1, tau2 = .855172, E = 4: .855172 / 4.420688 = .193448.
    """
    out = np.zeros(grid.e.shape)
    for families in (GAMMA, BETA, NORMAL):
        at = terms.columns(*families)
        e = grid.e[:, at]
        m, tau2, c = (np.nan_to_num(x[:, at])[grid.group] for x in (priors.m, priors.tau2, priors.c))
        if families == BETA:
            first, prior = 1 / np.maximum(tau2, 1e-12) - 1, tau2 * m * (1 - m)
            out[:, at] = prior * first / np.maximum(first + e, 1e-12)
        else:
            level, scale = (c, 1.0) if families == NORMAL else (m, c**2)
            out[:, at] = scale * tau2 * level / np.maximum(level + tau2 * e, 1e-300)
    fact = grid.applies & (grid.e == 0) & ~np.isnan(terms.when_empty)
    return np.where(fact, 0.0, out)


def peer_groups(score: np.ndarray, peers: np.ndarray, least: int) -> tuple[np.ndarray, int]:
    """(U,) number of each unit's group of comparison: its class, or everybody where the class has fewer than ``least``
    scored units; and how many groups there are."""
    _, of = np.unique(peers, return_inverse=True)
    counts = np.bincount(of[~np.isnan(score)], minlength=of.max(initial=-1) + 1)
    return np.where(counts[of] >= least, of, len(counts)), len(counts) + 1


def _group_means(x: np.ndarray, known: np.ndarray, of: np.ndarray, count: int) -> np.ndarray:
    """(count, ...) mean of the known cells of each group; the last group is everybody; 0 where nothing is known."""
    total, seen = np.zeros((count, *x.shape[1:])), np.zeros((count, *x.shape[1:]))
    np.add.at(total, of, np.where(known, x, 0.0))
    np.add.at(seen, of, known.astype(float))
    total[-1], seen[-1] = np.where(known, x, 0.0).sum(axis=0), known.sum(axis=0)
    return np.divide(total, seen, out=np.zeros_like(total), where=seen > 0)


def noise(
    estimate: np.ndarray, posts: np.ndarray, share: np.ndarray, subindices: np.ndarray, sub_share: np.ndarray,
    place: np.ndarray, score: np.ndarray, variance: np.ndarray, groups: tuple[np.ndarray, int], rule: Rule,
) -> np.ndarray:  # fmt: skip
    """(U,) standard deviation that the score of a unit with this much evidence has on average over its group.

    The variance of each estimate, times the squared steepness of points (the group's mean) and of the index (at the
    group's means, so that one sub-index at the floor does not make everybody's evidence less).

    Args:
        estimate, share, variance: (U, J); ``share`` of the sub-index, 0 = none. posts: (4, U, J).
        subindices, sub_share: (U, K). place: (U, J) sub-index of each cell. score: (U,).
        groups: as ``peer_groups`` gives them.
    """
    of, count = groups
    known = (share > 0) & ~np.isnan(estimate)
    steep = _group_means(steepness(estimate, *posts) ** 2, known, of, count)[of]
    rho, floor = rule["rho"], rule["floor"]
    whole = _group_means(score, ~np.isnan(score), of, count)
    parts = _group_means(subindices, ~np.isnan(subindices), of, count)
    lift = slope(np.maximum(parts, floor), rho) / slope(np.maximum(whole, floor), rho)[:, None]  # at the group's means
    lifted = lift[of] ** 2 * sub_share**2
    per_metric = np.take_along_axis(lifted, np.maximum(place, 0), axis=1)
    return np.sqrt((per_metric * share**2 * steep * np.where(known, variance, 0.0)).sum(axis=1))


def reliability(score: np.ndarray, noise: np.ndarray, groups: tuple[np.ndarray, int]) -> np.ndarray:
    """R = 1 - noise^2 / (Var(S) + mean noise^2) over each unit's group of comparison.

    Args:
        score, noise: (U,) of one level and period; NaN = no score.
        groups: as ``peer_groups`` gives them.

    T12: noise 6, Var(S) 150 and mean noise^2 50 give .82.
    """
    of, count = groups
    known = ~np.isnan(score)
    mean = _group_means(score, known, of, count)
    spread = _group_means((score - mean[of]) ** 2, known, of, count) + _group_means(noise**2, known, of, count)
    spread[-1] = score[known].var() + (noise[known] ** 2).mean() if known.any() else np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        found = 1 - noise**2 / spread[of]
    return np.where(known, np.clip(np.where(noise < NONE, 1.0, found), 0.0, 1.0), np.nan)
