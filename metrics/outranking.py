"""Who stands above whom part by part, without adding points up: a second opinion on the order (method.md 2.5).

A mean lets a strong part pay for a weak one; here a part only says which of two units it prefers. Where every part prefers
the same one, no weights whatever turn the two around.
"""

from __future__ import annotations

import numpy as np

BLOCK = 512  # rows worked out together: (BLOCK, U) numbers at a time
EVEN = 1e-9


def outranking(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(U, U): the weight of the parts in which the unit of the row lies above that of the column, ties half; 0 to itself.

    Counted are the parts both have, their weights summing to 1.

    Args:
        x: (U, K) points, higher is better; NaN = none. weights: (K,).

    x = (1, 3, 2), (2, 2, 3), (3, 1, 1), (4, 5, 4), equal weights: 2 above 1 in two parts of three, 3 in one, 4 in all.
    """
    out = np.empty((len(x), len(x)), dtype=np.float32)
    for start in range(0, len(x), BLOCK):
        rows = slice(start, start + BLOCK)
        won, shared = (np.zeros(out[rows].shape) for _ in range(2))
        for column, weight in zip(x.T, weights, strict=True):
            apart = column[rows, None] - column[None, :]
            won += weight * np.where(np.isnan(apart), 0.0, (np.sign(apart) + 1) / 2)
            shared += weight * ~np.isnan(apart)
        out[rows] = np.divide(won, shared, out=np.full(won.shape, 0.5), where=shared > 0)
    np.fill_diagonal(out, 0.0)
    return out


def copeland(above: np.ndarray) -> np.ndarray:
    """(U,) how many others each unit outranks, less how many outrank it.

    Args:
        above: of ``outranking``.
    """
    side = np.sign(np.where(np.abs(above - 0.5) < EVEN, 0.0, above - 0.5)).astype(np.int64)
    np.fill_diagonal(side, 0)
    return side.sum(axis=1)


def settled(above: np.ndarray) -> float:
    """Share of all pairs of which one lies above the other in every part: no weights turn them around.

    NaN for fewer than two units. In the four units of ``outranking`` 3 pairs of 6 are settled, all of them by the fourth.
    """
    n = len(above)
    return float((above > 1 - 1e-6).sum() / (n * (n - 1) / 2)) if n > 1 else float("nan")
