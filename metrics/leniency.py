"""How strictly each inspector looks (method.md 14.1), so that an estate does not answer for who came.

Failed points are compared with what the estates visited would have shown to anyone; the ratio, pulled to 1 by as much
as chance explains, is the inspector's factor: above 1 finds more than others at the same estates. Estates' rates and
inspectors' factors need each other, so they are found in turn. Axes: I inspectors, E estates, C cells (who looked at
which estate; any order, several cells of one pair are added).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from metrics import moments
from metrics.grid import Groups

#: Why an inspector's factor stays 1.
FEW_ESTATES, NOT_CONNECTED, ALONE = "few_estates", "not_connected", "alone"


@dataclass(frozen=True)
class Leniency:
    """What is known of each inspector, (I,).

    Attributes:
        found: points found failing.
        expected: points that would have failed at the same looks with everyone's eyes.
        factor: geometric mean 1 over the inspectors told apart; 1 where not applied.
        estates: different estates looked at.
        why_not: why the factor stays 1; empty where it applies.
    """

    found: np.ndarray
    expected: np.ndarray
    factor: np.ndarray
    estates: np.ndarray
    why_not: np.ndarray

    @property
    def applied(self) -> np.ndarray:
        """(I,) whether the factor counts."""
        return self.why_not == ""


def shrunk(found: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Gamma-Poisson estimate of found / expected of each unit: (m^2 + tau2 O) / (m + tau2 X); m without exposure.

    T20: O = (60, 40) on X = (50, 50): m = 1, tau2 = .06, (1.15, .85).
    """
    everyone = Groups(np.zeros(len(found), dtype=np.int64), 1)
    e = expected[:, None]
    of = moments.rates(found[:, None], e, e, everyone)
    m, tau2 = np.nan_to_num(of.m[0, 0]), np.nan_to_num(of.tau2[0, 0])
    return moments.ratio(m**2 + tau2 * found, m + tau2 * expected, 1.0)


def normalised(factor: np.ndarray) -> np.ndarray:
    """Divide by the geometric mean: (1.15, .85) by .988686 gives (1.163160, .859727)."""
    positive = np.maximum(factor, 1e-12)
    return positive / np.exp(np.log(positive).mean()) if len(factor) else factor


def _why_not(looked: sparse.csr_array, least_estates: int) -> np.ndarray:
    """(I,) why each inspector cannot be compared with the others; empty = can."""
    of_inspector = np.diff(looked.indptr)
    why = np.where(of_inspector < least_estates, FEW_ESTATES, "").astype(object)
    able = np.flatnonzero(why == "")
    if able.size == 1:
        why[able] = ALONE
    if able.size > 1:
        part = looked[able]
        both = sparse.block_array([[None, part], [part.T, None]])
        _, label = connected_components(both, directed=False)
        if np.unique(label[: able.size]).size > 1:
            why[able] = NOT_CONNECTED
    return why


def leniency(
    estate: np.ndarray, inspector: np.ndarray, found: np.ndarray, points: np.ndarray, inspectors: int, *,
    least_estates: int = 10, rounds: int = 8,
) -> Leniency:  # fmt: skip
    """Factors of all inspectors who can be compared.

    Args:
        estate, inspector: (C,) numbers from 0; inspector -1 = not recorded (tells of the estate only).
        found: (C,) points found failing.
        points: (C,) points looked at, each worth the district's usual share of failing points of its kind.
        inspectors: I.
        least_estates: different estates an inspector must have looked at.
        rounds: how often estates and inspectors are estimated in turn.

    Inspectors are compared only where estates link all of them: two groups that never met at an estate could differ in
    their estates or in their eyes, and nothing in the records tells which.
    """
    estates = int(estate.max(initial=-1)) + 1
    named = (inspector >= 0) & (points > 0)

    def matrix(values: np.ndarray) -> sparse.csr_array:
        cells = (values[named], (inspector[named], estate[named]))
        made = sparse.coo_array(cells, shape=(inspectors, estates)).tocsr()
        made.sum_duplicates()
        return made

    looked = matrix(points.astype(np.float64))
    # with nothing to count, bincount answers in whole numbers whatever the weights
    o_inspector = np.bincount(inspector[named], weights=found[named], minlength=inspectors).astype(np.float64)
    o_estate = np.bincount(estate, weights=found, minlength=estates).astype(np.float64)
    nameless = np.bincount(estate[~named], weights=points[~named], minlength=estates).astype(np.float64)
    why = _why_not(looked, least_estates)
    able = np.flatnonzero(why == "")
    factor, expected = np.ones(inspectors), np.zeros(inspectors)
    for _ in range(max(rounds, 1)):
        rate = shrunk(o_estate, looked.T @ factor + nameless)
        expected = looked @ rate
        if not able.size:
            break
        factor[able] = normalised(shrunk(o_inspector[able], expected[able]))
    return Leniency(o_inspector, expected, factor, np.diff(looked.indptr), why)
