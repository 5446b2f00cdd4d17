"""How unsure the prior of a small class is: its estates drawn again and again (method.md 9.1).

A class of a few estates tells its own level and spread badly, and every score pulled to it shares that error. So the
scores of small classes are drawn from priors re-estimated on estates drawn anew, with replacement, a few dozen times.
Spreads shared with large classes, class constants and the strength factor stay as they are.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from metrics.draws import seed_of
from metrics.grid import Groups
from metrics.moments import Moments
from metrics.priors import Estates, Learned, Priors, class_moments
from metrics.terms import Terms
from rules.book import Rule

#: What is estimated anew; the class constant is not.
ANEW = ("m", "tau2", "total", "units")


def small_classes(learned: Learned, rule: Rule) -> np.ndarray:
    """(G,) classes with estates, but fewer than the rule calls enough for a spread of their own."""
    sizes = learned.own.groups.sizes
    return (sizes > 0) & (sizes < rule["class_blended_below"])


def _drawn_again(own: Estates, small: np.ndarray, rng: np.random.Generator) -> Estates:
    """The estates of small classes, as many of each class, with replacement; other classes are empty."""
    sizes = own.groups.sizes
    starts = np.cumsum(sizes) - sizes
    of = own.groups.of[small[own.groups.of]]
    rows = starts[of] + (rng.random(of.size) * sizes[of]).astype(np.int64)
    cells = {name: getattr(own, name)[rows] for name in ("y", "e", "e2", "yy")}
    groups = Groups(of, own.groups.count)
    return replace(own, groups=groups, district=Groups(own.period[of], own.district.count), **cells)


def priors_again(learned: Learned, terms: Terms, rule: Rule) -> list[Priors]:
    """Priors of as many bootstrap draws as the rule says (``prior_draws``); of large classes always the same.

    Empty where no class is small.
    """
    small = small_classes(learned, rule)
    if not small.any():
        return []
    rng = np.random.default_rng(seed_of("priors", *terms.periods))
    return [_priors(learned, small, terms, rule, rng) for _ in range(rule["prior_draws"])]


def _priors(learned: Learned, small: np.ndarray, terms: Terms, rule: Rule, rng: np.random.Generator) -> Priors:
    drawn, _ = class_moments(_drawn_again(learned.own, small, rng), terms, rule, learned.found.c)
    parts = {n: np.where(small[:, None], getattr(drawn, n), getattr(learned.found, n)) for n in ANEW}
    return replace(learned, found=Moments(**parts, c=learned.found.c)).priors(terms, rule)
