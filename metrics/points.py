"""Points: a value against fixed goalposts (method.md section 3).

Piecewise linear through fail -> 0, legal minimum -> 60, target -> 90, best -> 100, clamped. Where ``best`` lies below
``fail`` lower values earn more. Goalposts come from the rulebook (``metrics.terms``), never from other estates, so no
score moves because a neighbour's did.
"""

from __future__ import annotations

import numpy as np

SCORES = (0.0, 60.0, 90.0, 100.0)


def utility(value, fail, minimum, target, best) -> np.ndarray:
    """Points of a value, 0 to 100; NaN (unknown) stays NaN.

    Args:
        value: any array; the goalposts are numbers or arrays of a shape that fits. Goalposts ascend from ``fail`` to
            ``best``, or descend.

    >>> float(utility(1.972549, fail=4, minimum=1.5, target=0.5, best=0.2).round(4))   # 60 (4 - 1.972549) / 2.5
    48.6588
    """
    sign = np.where(np.asarray(best) >= np.asarray(fail), 1.0, -1.0)
    x, *posts = (sign * np.asarray(v, dtype=float) for v in (value, fail, minimum, target, best))
    points = np.where(np.isnan(x), np.nan, 0.0)
    for low, high, a, z in zip(posts, posts[1:], SCORES, SCORES[1:], strict=False):
        width = high - low
        part = np.where(width > 0, (x - low) / np.where(width > 0, width, 1.0), 1.0)
        points = np.where(x > low, a + (z - a) * np.clip(part, 0.0, 1.0), points)
    return np.where(x >= posts[-1], SCORES[-1], points)


def steepness(value, fail, minimum, target, best) -> np.ndarray:
    """Points gained or lost per unit of the value where it stands; 0 beyond ``fail`` and ``best``; NaN stays NaN.

    >>> float(steepness(1.972549, fail=4, minimum=1.5, target=0.5, best=0.2))   # 60 / 2.5
    24.0
    """
    sign = np.where(np.asarray(best) >= np.asarray(fail), 1.0, -1.0)
    x, *posts = (sign * np.asarray(v, dtype=float) for v in (value, fail, minimum, target, best))
    found = np.where(np.isnan(x), np.nan, 0.0)
    for low, high, a, z in zip(posts, posts[1:], SCORES, SCORES[1:], strict=False):
        width = high - low
        found = np.where((x > low) & (x <= high), (z - a) / np.where(width > 0, width, np.inf), found)
    return found
