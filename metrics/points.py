"""Points: a value against fixed goalposts (method.md section 3).

Piecewise linear through fail -> 0, legal minimum -> 60, target -> 90, best -> 100, clamped. Where ``best`` lies below
``fail`` lower values earn more. Goalposts come from the rulebook of the period's last day, never from other estates.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from metrics.base import Metric
from rules.book import Book

ANCHORS = ("fail", "minimum", "target", "best")
SCORES = (0.0, 60.0, 90.0, 100.0)
SHOWN = "shown"  # sub-index of metrics that are shown and not scored


def utility(
    value: pl.Expr, fail: pl.Expr | float, minimum: pl.Expr | float, target: pl.Expr | float, best: pl.Expr | float
) -> pl.Expr:
    """Points of a value, 0 to 100; NULL stays NULL.

    T8: goalposts fail 4, minimum 1.5, target .5, best .2 give 1.972549 -> 48.658824 and .539033 -> 88.828996.
    """
    posts = [a if isinstance(a, pl.Expr) else pl.lit(float(a)) for a in (fail, minimum, target, best)]
    sign = pl.when(posts[3] >= posts[0]).then(1.0).otherwise(-1.0)
    x = sign * value
    f, m, t, b = (sign * p for p in posts)

    def between(low: pl.Expr, high: pl.Expr, a: float, z: float) -> pl.Expr:
        return a + (z - a) * (x - low) / (high - low)

    return (
        pl.when(value.is_null())
        .then(None)
        .when(x >= b)
        .then(100.0)
        .when(x >= t)
        .then(between(t, b, SCORES[2], SCORES[3]))
        .when(x >= m)
        .then(between(m, t, SCORES[1], SCORES[2]))
        .when(x > f)
        .then(between(f, m, SCORES[0], SCORES[1]))
        .otherwise(0.0)
    )


def rule_table(book: Book, metrics: dict[str, Metric], last_days: dict[str, date]) -> pl.DataFrame:
    """One row per period and metric: goalposts, sub-index and weight in force on the period's last day.

    Columns: period, metric, family, source, subindex, weight (in its sub-index), sub_weight, overall, fail, minimum,
    target, best, higher_better. A metric whose rule is not yet in force on that day has no row.
    """
    rows = []
    for period, day in last_days.items():
        subs = book.on(day, "index")["weights"]
        for name, metric in metrics.items():
            if book.file(f"metrics/{name}").versions[0].valid_from > day:
                continue
            rule = book.metric(day, name)
            sub = rule["subindex"]
            weight = float(rule["weight"]) if sub in subs else 0.0
            rows.append(
                {
                    "period": period, "metric": name, "family": metric.family, "source": metric.source,
                    "subindex": sub, "weight": weight, "sub_weight": float(subs.get(sub, 0.0)),
                    "overall": weight * float(subs.get(sub, 0.0)),
                    **{a: float(rule[a]) for a in ANCHORS},
                    "higher_better": rule["best"] >= rule["fail"],
                }
            )  # fmt: skip
    return pl.DataFrame(rows)


def score(rows: pl.DataFrame) -> pl.DataFrame:
    """Add ``points`` of the estimate and ``own_points`` of the bare record (NULL where nothing was measured)."""
    posts = [pl.col(a) for a in ANCHORS]
    return rows.with_columns(
        points=utility(pl.col("estimate"), *posts), own_points=utility(pl.col("raw"), *posts)
    )
