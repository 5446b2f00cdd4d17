"""Simultaneous rank sets (method.md 9.3): how far a place in the order of companies can be trusted."""

from __future__ import annotations

import numpy as np


def rank_bounds(
    theta: np.ndarray, sd: np.ndarray, *, coverage: float = 0.95, draws: int = 1000, seed: int = 0, side: str = "both"
) -> tuple[np.ndarray, np.ndarray]:
    """Places that hold for all units at once, 1 = largest (stepdown max-t bootstrap).

    A pair's order is told apart where the difference of the two estimates, in standard errors, exceeds what chance
    gives among all pairs not yet told apart; step by step, until no more are. The test of a pair is the same seen from
    either side, so each unordered pair is worked out once; and in later steps only those draws are worked out again
    whose largest difference came from a pair that has been told apart since.

    Args:
        theta: (p,) estimates, higher is better. sd: (p,) their standard deviations, independent, positive.
        coverage: of all sets together. draws: bootstrap draws. seed: fixes them.
        side: ``both``; or ``lower`` for the best places alone, who may be among the best (the highest is then p).

    Returns:
        (lowest place, highest place), each (p,).

    Source:
        Mogstad, Romano, Shaikh and Wilhelm (2023), doi:10.1093/restud/rdad006; written from the paper. Checked
        against the PISA 2018 example of its authors.
    """
    return _stepdown(theta, sd, np.arange(theta.size), coverage, draws, seed, side)


def rank_bounds_of(
    unit: int, theta: np.ndarray, sd: np.ndarray, *, coverage: float = 0.95, draws: int = 1000, seed: int = 0
) -> tuple[int, int]:
    """Places that hold for one unit by itself: narrower than when all must hold at once."""
    low, high = _stepdown(theta, sd, np.array([unit]), coverage, draws, seed, "both")
    return int(low[0]), int(high[0])


def _stepdown(
    theta: np.ndarray, sd: np.ndarray, rows: np.ndarray, coverage: float, draws: int, seed: int, side: str
) -> tuple[np.ndarray, np.ndarray]:
    """Places of the units in ``rows``, sure of all of them at once."""
    p = theta.size
    if p < 2:
        return np.ones(rows.size, dtype=np.int64), np.ones(rows.size, dtype=np.int64)
    error = np.sqrt(sd[:, None] ** 2 + sd[None, :] ** 2)
    difference = (theta[None, :] - theta[:, None]) / error  # [i, j] > 0: j stands above i
    noise = np.random.default_rng(seed).standard_normal((draws, p), dtype=np.float32) * sd.astype(np.float32)
    weight = (1 / error).astype(np.float32)
    asked = np.zeros((p, p), dtype=bool)  # [i, j]: is j above i?
    asked[rows] = True
    if side == "both":
        asked |= asked.T
    np.fill_diagonal(asked, False)
    open_, above = asked.copy(), np.zeros_like(asked)
    top, pair = _largest(noise, weight, open_)
    while True:
        found = open_ & (difference > np.quantile(top, coverage))
        if not found.any():
            break
        above, open_ = above | found, open_ & ~found
        if not open_.any():
            break
        stale = ~open_.ravel()[pair]
        top[stale], pair[stale] = _largest(noise[stale], weight, open_)
    low = 1 + above[rows].sum(axis=1)
    high = p - above[:, rows].sum(axis=0) if side == "both" else np.full(rows.size, p)
    return low, high


def _largest(noise: np.ndarray, weight: np.ndarray, open_: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each draw's largest difference over the open pairs [i, j], and the pair (i * p + j) it came from."""
    draws, p = noise.shape
    top, pair = np.full(draws, -np.inf, dtype=np.float32), np.zeros(draws, dtype=np.int64)
    columns = np.ascontiguousarray(noise.T)
    for i in np.flatnonzero((open_ | open_.T).any(axis=1)):
        others = np.arange(i + 1, p)
        others = others[open_[i, i + 1 :] | open_[i + 1 :, i]]
        if not others.size:
            continue
        apart = columns[others] - columns[i]  # (others, draws)
        forth, back = open_[i, others], open_[others, i]
        scaled = apart * weight[i, others][:, None]
        both = forth & back
        np.abs(scaled, out=scaled, where=both[:, None])
        np.negative(scaled, out=scaled, where=(back & ~forth)[:, None])
        best = scaled.argmax(axis=0)
        value = scaled[best, np.arange(draws)]
        better = value > top
        top[better] = value[better]
        j = others[best]
        turned = back[best] & (~forth[best] | (apart[best, np.arange(draws)] < 0))
        pair[better] = np.where(turned, j * p + i, i * p + j)[better]
    return top, pair
