"""Who can be said to stand above whom (method.md 9.2), and who cannot.

A is said to stand above B only where that is sure enough. Scores are taken as normal and independent; the published
difference is what they are centred on.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

ROWS = 512  # compared at a time with all others: bounds memory at rows x units


def alike(score: np.ndarray, sd: np.ndarray, group: np.ndarray, sure: float) -> np.ndarray:
    """(U,) how many others of its group a unit can neither be said to stand above nor below.

    Args:
        score, sd: (U,) without NaN. group: (U,) number of each unit's group.
        sure: least P(A above B) to say so.
    """
    out, z = np.zeros(score.size, dtype=np.int64), ndtri(sure)
    for g in np.unique(group):
        rows = np.flatnonzero(group == g)
        s, v = score[rows], sd[rows] ** 2
        for start in range(0, rows.size, ROWS):
            part = slice(start, start + ROWS)
            same = np.abs(s[part, None] - s[None, :]) < z * np.sqrt(v[part, None] + v[None, :])
            out[rows[part]] = (same | (s[part, None] == s[None, :])).sum(axis=1) - 1
    return out


def tiers(score: np.ndarray, sd: np.ndarray, group: np.ndarray, sure: float) -> np.ndarray:
    """(U,) tier within the group, 1 = first: from the best down, a new tier opens with the first unit that the best of
    the tier so far surely stands above. Within a tier nobody can be told from its first with that certainty.
    """
    out, z = np.zeros(score.size, dtype=np.int64), ndtri(sure)
    for g in np.unique(group):
        rows = np.flatnonzero(group == g)
        rows = rows[np.argsort(-score[rows], kind="stable")]
        s, v = score[rows], sd[rows] ** 2
        first = tier = 0
        while first < rows.size:
            tier += 1
            below = s[first] - s[first:] >= z * np.sqrt(v[first] + v[first:])
            below &= s[first] > s[first:]
            after = first + int(below.argmax()) if below.any() else rows.size
            out[rows[first:after]] = tier
            first = after
    return out


def third_of(upper: np.ndarray, lower: np.ndarray, sure: float) -> np.ndarray:
    """(U,) ``upper``, ``middle`` or ``lower`` third where that is sure enough, else the empty string."""
    middle = 1 - upper - lower
    names = ["upper", "lower", "middle"]
    return np.select([upper >= sure, lower >= sure, middle >= sure], names, "")
