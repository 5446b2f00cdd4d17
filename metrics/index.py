"""The index: points into sub-indices into one score, with exact contributions (method.md section 4).

``S = (sum_k W_k f(max(U_k, floor)))`` turned back through ``f(x) = x^rho``. For any two states the contributions
``c_k = L W_k (f(U1) - f(U0))`` with ``L = (S1 - S0) / (f(S1) - f(S0))`` sum to ``S1 - S0`` exactly, whatever the order,
and split on to the metrics of each sub-index.

Arrays only: any leading axes (units; draws before them), then K sub-indices or J metrics. NaN = there is none; its weight
goes to the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

FULL = 100.0
#: Below this relative difference two states count as equal and the limit (the slope between them) is taken.
CLOSE = 1e-5


def transform(x: np.ndarray, rho: float) -> np.ndarray:
    """f(x) = x^rho; ln x at rho 0."""
    return np.log(x) if rho == 0 else np.sqrt(x) if rho == 0.5 else x**rho


def inverse(x: np.ndarray, rho: float) -> np.ndarray:
    """The value whose transform is ``x``."""
    return np.exp(x) if rho == 0 else x**2 if rho == 0.5 else x ** (1 / rho)


def slope(x: np.ndarray, rho: float) -> np.ndarray:
    """Derivative of the transform."""
    return 1 / x if rho == 0 else rho * x ** (rho - 1)


def power_mean(points: np.ndarray, weights: np.ndarray, rho: float, floor: float = 1.0) -> np.ndarray:
    """Weighted power mean along the last axis, weights renormalised over what there is; NaN where there is nothing.

    T9: U = (52, 80, 90, 70, 85) and W = (.30, .25, .15, .15, .15) give 72.35 (rho 1), 71.577444 (.5), 70.776229 (0),
    69.115854 (-1).
    """
    share = shares(weights, ~np.isnan(points))
    there = share.sum(axis=-1) > 0
    total = (share * transform(np.fmax(points, floor), rho)).sum(axis=-1)
    return np.where(there, inverse(np.where(there, total, 1.0), rho), np.nan)


def shares(weights: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Weights renormalised over what is present, along the last axis; 0 where nothing is."""
    kept = np.where(present, weights, 0.0)
    total = kept.sum(axis=-1, keepdims=True)
    return np.divide(kept, total, out=np.zeros_like(kept), where=total > 0)


def secant(b: np.ndarray, a: np.ndarray, rho: float) -> np.ndarray:
    """(f(b) - f(a)) / (b - a); where the two are close, the slope midway."""
    apart = np.abs(b - a) > CLOSE * b
    step = np.where(apart, b - a, 1.0)
    return np.where(apart, (transform(b, rho) - transform(a, rho)) / step, slope((a + b) / 2, rho))


def contributions(
    points: np.ndarray, base: np.ndarray, weights: np.ndarray, rho: float, floor: float = 1.0
) -> np.ndarray:
    """Points each sub-index moves the index from its ``base`` state to ``points``; they sum to the whole difference.

    T9: from 100 everywhere, rho .5: (-15.445203, -4.872276, -1.420986, -4.522968, -2.161122), sum -28.422556.
    """
    lift = 1 / secant(power_mean(points, weights, rho, floor), power_mean(base, weights, rho, floor), rho)
    moved = transform(np.fmax(points, floor), rho) - transform(np.fmax(base, floor), rho)
    return lift[..., None] * np.where(np.isnan(points), 0.0, shares(weights, ~np.isnan(points)) * moved)


@dataclass(frozen=True)
class Membership:
    """Which sub-index each metric belongs to, and its weight there, for every unit.

    Attributes:
        place: (U, J) sub-index of each cell; -1 = shown, not scored.
        weight: (U, J) weight in the sub-index.
        sub_weight: (U, K) weight of each sub-index.
    """

    place: np.ndarray
    weight: np.ndarray
    sub_weight: np.ndarray

    @cached_property
    def inside(self) -> np.ndarray:
        """(U, J, K) 1 where the metric counts in the sub-index."""
        return (self.place[..., None] == np.arange(self.sub_weight.shape[-1])).astype(float)

    def totals(self, x: np.ndarray) -> np.ndarray:
        """Sum cells (U, J) by sub-index: (U, K)."""
        return np.einsum("uj,ujk->uk", x, self.inside)

    def share(self, points: np.ndarray) -> np.ndarray:
        """(U, J) share of its sub-index, over the metrics that have points."""
        kept = np.where(np.isnan(points), 0.0, self.weight)
        total = np.take_along_axis(self.totals(kept), np.maximum(self.place, 0), axis=-1)
        return np.divide(kept, total, out=np.zeros_like(kept), where=(total > 0) & (self.place >= 0))

    def subindices(self, points: np.ndarray, share: np.ndarray) -> np.ndarray:
        """(U, K) points of each sub-index; NaN where none of its metrics has points."""
        value = self.totals(share * np.where(share > 0, points, 0.0))
        return np.where(self.totals(share) > 0, value, np.nan)

    def moved(self, points: np.ndarray, base: np.ndarray, share: np.ndarray, rho: float, floor: float) -> np.ndarray:
        """(U, J) points each metric moves the index from ``base`` to ``points``; NaN where it has no share.

        They sum to the difference of the two scores, to 1e-9, and by sub-index to ``contributions``.
        """
        here, there = self.subindices(points, share), self.subindices(base, share)
        score, base_score = (power_mean(u, self.sub_weight, rho, floor) for u in (here, there))
        lift = shares(self.sub_weight, ~np.isnan(here)) / secant(score, base_score, rho)[..., None]
        up, down = np.fmax(here, floor), np.fmax(there, floor)
        part = np.where(here > floor, 1.0, 0.0)  # of a movement, what lies above the floor
        part = np.divide(up - down, here - there, out=part, where=here != there)
        lift = np.nan_to_num(lift * secant(up, down, rho) * part)
        per_point = np.take_along_axis(lift, np.maximum(self.place, 0), axis=-1)
        return np.where(share > 0, per_point * share * (points - base), np.nan)
