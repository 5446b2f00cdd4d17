"""How good stated chances turned out to be, once the truth is known (method.md section 13; the simulation uses them)."""

from __future__ import annotations

import numpy as np


def brier(p: np.ndarray, happened: np.ndarray) -> float:
    """Mean squared distance of chances from what happened (0 or 1); 0 is perfect.

    T19: p = (.8, .6, .3, .1), happened 1, 0, 1, 0: (.04 + .36 + .49 + .01) / 4 = .225.
    """
    return float(((p - happened) ** 2).mean())


def base_brier(happened: np.ndarray) -> float:
    """The same of one who always says how often it happens (T19: .25)."""
    share = float(np.mean(happened))
    return share * (1 - share)


def skill(p: np.ndarray, happened: np.ndarray) -> float:
    """What chances tell beyond the base rate: 1 - brier / base_brier (T19: .10); NaN where nothing varied."""
    base = base_brier(happened)
    return 1 - brier(p, happened) / base if base > 0 else float("nan")


def precision_at(p: np.ndarray, happened: np.ndarray, k: int) -> float:
    """Share of the ``k`` likeliest that it happened to; ties by place (T19: .5 at 2); NaN for none."""
    first = np.argsort(-p, kind="stable")[:k]
    return float(np.mean(happened[first])) if len(first) else float("nan")
