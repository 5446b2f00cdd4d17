"""The rules of scoring as arrays: what each metric is worth, and against which goalposts, in each period.

Goalposts, sub-index and weight are those in force on the period's last day (rules/metrics/*.toml, rules/index.toml).
Axes are named in capitals: P periods, J metrics, K sub-indices.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from metrics.base import Metric
from rules.book import Book

ANCHORS = ("fail", "minimum", "target", "best")
SHOWN = -1  # place of a metric that is shown and not scored


@dataclass(frozen=True)
class Terms:
    """What counts, how much, and what is good enough.

    Attributes:
        periods: P names such as ``2026Q3``, oldest first.
        names: J metric names, in alphabetical order: the columns of every matrix.
        subindices: K names, in the order of the index rule.
        family: (J,) statistical family of each metric.
        source: (J,) source body of each metric.
        when_empty: (J,) value of an applicable estate without evidence; NaN = unknown.
        in_force: (P, J) whether the metric's rule was in force.
        subindex: (P, J) place in ``subindices``, or SHOWN.
        weight: (P, J) share of the sub-index; 0 = shown, not scored.
        sub_weight: (P, K) share of the index.
        posts: (4, P, J) goalposts in the order of ANCHORS.
    """

    periods: tuple[str, ...]
    names: tuple[str, ...]
    subindices: tuple[str, ...]
    family: np.ndarray
    source: np.ndarray
    when_empty: np.ndarray
    in_force: np.ndarray
    subindex: np.ndarray
    weight: np.ndarray
    sub_weight: np.ndarray
    posts: np.ndarray

    @property
    def overall(self) -> np.ndarray:
        """(P, J) weight of each metric in the whole index; the scored metrics of a period sum to 1."""
        place = np.where(self.subindex == SHOWN, 0, self.subindex)
        whole = self.weight * np.take_along_axis(self.sub_weight, place, axis=1)
        return whole / np.maximum(whole.sum(axis=1, keepdims=True), 1e-300)

    @property
    def higher_better(self) -> np.ndarray:
        """(P, J) whether more is better: where ``best`` does not lie below ``fail``."""
        return self.posts[3] >= self.posts[0]

    def columns(self, *families: str) -> np.ndarray:
        """Columns of the metrics of these families."""
        return np.flatnonzero(np.isin(self.family, families))


def terms_of(book: Book, metrics: dict[str, Metric], last_days: dict[str, date]) -> Terms:
    """Read the terms of every period from the rulebook.

    Args:
        metrics: name to metric.
        last_days: period to its last day.

    Raises:
        RuleNotInForce: the index rule is asked for before its first version. A metric that is not in force yet is
            left out of that period.
    """
    names, days = sorted(metrics), [last_days[p] for p in sorted(last_days)]
    whole = [book.on(day, "index")["weights"] for day in days]
    subindices = tuple(whole[-1])
    shape = (len(days), len(names))
    in_force, weight, posts = np.zeros(shape, bool), np.zeros(shape), np.ones((4, *shape))
    subindex = np.full(shape, SHOWN)
    for j, name in enumerate(names):
        file = book.file(f"metrics/{name}")
        for p, day in enumerate(days):
            if file.versions[0].valid_from > day:
                continue
            rule = file.on(day)
            in_force[p, j] = True
            posts[:, p, j] = [rule[a] for a in ANCHORS]
            if rule["subindex"] in subindices and rule["weight"] > 0:
                subindex[p, j] = subindices.index(rule["subindex"])
                weight[p, j] = rule["weight"]
    chosen = [metrics[n] for n in names]
    return Terms(
        periods=tuple(sorted(last_days)),
        names=tuple(names),
        subindices=subindices,
        family=np.array([m.family for m in chosen]),
        source=np.array([m.source for m in chosen]),
        when_empty=np.array([np.nan if m.when_empty is None else m.when_empty for m in chosen]),
        in_force=in_force,
        subindex=subindex,
        weight=weight,
        sub_weight=np.array([[w.get(s, 0.0) for s in subindices] for w in whole]),
        posts=posts,
    )
