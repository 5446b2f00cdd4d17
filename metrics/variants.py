"""The index of one period under other choices: half-life, weights, goalposts, strength of the prior, power of the mean
(method.md section 11). Everything is computed again from the quarter sums, priors included.

The half-life is changed between quarters: each quarter's sums are re-weighted by the age of its last day. Inside a
quarter records keep the weights of the published half-life. Obligations are not decayed and stay as they are.

Axes: U units, J scored metrics (by sub-index), K sub-indices, Q quarters of the window.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import duckdb
import numpy as np
import polars as pl

from metrics import priors
from metrics.grid import CELLS, UNIT, Grid
from metrics.index import inverse, power_mean, transform
from metrics.points import utility
from metrics.priors import Learned, effective_metrics, strength_factor
from metrics.sums import decay
from metrics.terms import Terms
from rules.book import Rule

SUMS = ("y", "e", "e2", "yy")
POWER = {"e2": 2}  # e2 carries squared weights
KEPT = "_kept_quarter_sums"
FILLED = 100.0  # stands where there are no points and the weight is 0


@dataclass(frozen=True)
class Choice:
    """One variant of the method; by default the published one.

    Attributes:
        half_life: months; None = as published.
        weights: (J + K,) factors on the published weights of metrics, then of sub-indices; None = 1.
        goalposts: all goalposts moved by this share of the way from ``fail`` to ``best``, above 0 = stricter.
        prior: factor on the pull towards the class.
        rho: power of the mean over sub-indices; None = as published.
        inside: whether metrics are put together inside a sub-index by the same power mean, not the plain one.
    """

    half_life: float | None = None
    weights: np.ndarray | None = None
    goalposts: float = 0.0
    prior: float = 1.0
    rho: float | None = None
    inside: bool = False


@dataclass(frozen=True)
class Base:
    """What every variant starts from: one period's current units and their quarter sums.

    Attributes:
        grid, terms: of the last period, current units and scored metrics only, metrics ordered by sub-index.
        starts: (K',) first column of each sub-index that has metrics, and ``subs`` which sub-index it is.
        quarters: name of the sum to (Q, U, J), so that under the published half-life they add up to the grid.
        ages: (Q,) days from each quarter's last day to the period's.
        rule: the index rule in force.
    """

    grid: Grid
    terms: Terms
    starts: np.ndarray
    subs: np.ndarray
    quarters: dict[str, np.ndarray]
    ages: np.ndarray
    rule: Rule


def _narrowed(grid: Grid, terms: Terms) -> tuple[Grid, Terms]:
    """Grid and terms of the last period: current units, scored metrics ordered by sub-index."""
    last = len(terms.periods) - 1
    columns = np.flatnonzero(terms.weight[last] > 0)
    columns = columns[np.argsort(terms.subindex[last, columns], kind="stable")]
    rows = np.flatnonzero((grid.period == last) & grid.units.get_column("current").to_numpy())
    part = grid.block(rows)
    groups, group = np.unique(part.group, return_inverse=True)
    cells = {name: getattr(part, name)[:, columns] for name in ("applies", *CELLS)}
    at_most = None if part.at_most is None else part.at_most[:, columns]
    part = replace(
        part, classes=grid.classes[groups], group=group, period=np.zeros(len(rows), dtype=np.int64), at_most=at_most,
        **cells,
    )  # fmt: skip
    by_metric = {name: getattr(terms, name)[columns] for name in ("family", "source", "when_empty")}
    by_period = {name: getattr(terms, name)[last:, columns] for name in ("in_force", "subindex", "weight")}
    terms = replace(
        terms, periods=terms.periods[last:], names=tuple(terms.names[j] for j in columns), **by_metric, **by_period,
        sub_weight=terms.sub_weight[last:], posts=terms.posts[:, last:, columns],
    )  # fmt: skip
    return part, terms


def keep(con: duckdb.DuckDBPyConnection, source: str, first: int) -> None:
    """Add a table of quarter sums to table ``KEPT``, from quarter ``first`` on."""
    columns = "level, unit_id, metric, ordinal, y, e, e2, yy"
    con.execute(f"CREATE TEMP TABLE IF NOT EXISTS {KEPT} AS SELECT {columns} FROM {source} LIMIT 0")
    con.execute(f"INSERT INTO {KEPT} SELECT {columns} FROM {source} WHERE ordinal >= $first", {"first": first})


def _cube(con: duckdb.DuckDBPyConnection, table: str, grid: Grid, terms: Terms, newest: int, count: int) -> dict:
    """The quarter sums of a grid's cells, oldest quarter first: name to (Q, U, J)."""
    units = grid.units.select(UNIT[:2]).with_row_index("unit")
    names = pl.DataFrame({"metric": terms.names}).with_row_index("place")
    con.register("_units", units.to_arrow())
    con.register("_names", names.to_arrow())
    rows = con.execute(
        f"""
        SELECT q.ordinal - $first AS quarter, u.unit, n.place, q.y, q.e, q.e2, q.yy
        FROM {table} AS q
        JOIN _units AS u ON u.level = q.level AND u.unit_id = q.unit_id
        JOIN _names AS n ON n.metric = q.metric
        WHERE q.ordinal BETWEEN $first AND $newest
        """,
        {"first": newest - count + 1, "newest": newest},
    ).fetchnumpy()
    for name in ("_units", "_names"):
        con.unregister(name)
    at = tuple(np.asarray(rows[name], dtype=np.int64) for name in ("quarter", "unit", "place"))
    cube = {}
    for name in SUMS:
        cube[name] = np.zeros((count, *grid.e.shape))
        cube[name][at] = np.asarray(rows[name])
    return cube


def weighted(cube: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Sum quarters (Q, ...) by their weights (Q,), oldest first: the same to the last bit on any machine."""
    out = np.zeros(cube.shape[1:])
    for part, w in zip(cube, weight, strict=True):
        out += part * w
    return out


def quarter_weights(ages: np.ndarray, half_life: float) -> np.ndarray:
    """(Q,) weight of each quarter, ``2 ** (-age / half-life)``."""
    return np.array([decay(float(age), half_life) for age in ages])


def base_of(
    con: duckdb.DuckDBPyConnection, table: str, grid: Grid, terms: Terms, ages: np.ndarray, newest: int, rule: Rule
) -> Base:
    """Gather what variants need.

    Args:
        table: of quarter sums (``metrics.sums.quarter_sums``) in ``con``.
        grid, terms: as the edition was scored by.
        ages: (Q,) days from the last day of each quarter of the window to the period's, oldest first.
        newest: ordinal of the period's quarter.
        rule: the index rule in force.

    The quarter sums are scaled, cell by cell, to what the edition was scored by, so that whatever was applied to the
    sums after they were added up (a correction of an exposure) holds in every variant.
    """
    grid, terms = _narrowed(grid, terms)
    cube = _cube(con, table, grid, terms, newest, len(ages))
    weights = quarter_weights(ages, rule["half_life_months"])
    for name, cells in cube.items():
        total = weighted(cells, weights ** POWER.get(name, 1))
        cells *= np.divide(getattr(grid, name), total, out=np.zeros_like(total), where=total != 0)
    subs, starts = np.unique(terms.subindex[0], return_index=True)
    return Base(grid, terms, starts, subs, cube, ages, rule)


def _aged(base: Base, half_life: float | None) -> Grid:
    """The grid under another half-life."""
    if half_life is None:
        return base.grid
    weights, held = quarter_weights(base.ages, half_life), base.terms.family == "obligation"
    cells: dict[str, Any] = {
        name: np.where(held, getattr(base.grid, name), weighted(cube, weights ** POWER.get(name, 1)))
        for name, cube in base.quarters.items()
    }
    return replace(base.grid, **cells)


def moved_goalposts(posts: np.ndarray, share: float) -> np.ndarray:
    """Goalposts (4, ...) moved by a share of the way from ``fail`` to ``best``; never beyond ``best``.

    Nobody is asked for more than a perfect record: a duty met in full earns 100 under every variant.
    """
    fail, best = posts[0], posts[3]
    moved = posts + share * (best - fail)
    return np.where(best >= fail, np.minimum(moved, best), np.maximum(moved, best))


def _weighed(terms: Terms, choice: Choice) -> Terms:
    """Terms under noisy weights; those of a sub-index and of the index again sum to 1."""
    if choice.weights is None:
        return terms
    metrics, place = len(terms.names), terms.subindex[0]
    weight, sub_weight = terms.weight * choice.weights[:metrics], terms.sub_weight * choice.weights[metrics:]
    whole = np.bincount(place, weights=weight[0], minlength=len(terms.subindices))
    return replace(terms, weight=weight / whole[place], sub_weight=sub_weight / sub_weight.sum(axis=1, keepdims=True))


def _together(base: Base, terms: Terms, points: np.ndarray, rho: float, inside: bool) -> np.ndarray:
    """(U,) index of points (U, J); NaN where there is none."""
    floor, known = base.rule["floor"], ~np.isnan(points)
    weight = np.where(known, terms.weight, 0.0)
    total = np.add.reduceat(weight, base.starts, axis=1)
    value = np.where(known, points, FILLED)
    if inside:
        value = transform(np.maximum(value, floor), rho)
    with np.errstate(invalid="ignore", divide="ignore"):
        subs = np.add.reduceat(weight * value, base.starts, axis=1) / total
        subs = inverse(subs, rho) if inside else subs
    subs = np.where(total > 0, subs, np.nan)
    return power_mean(subs, terms.sub_weight[:, base.subs], rho, floor)


def _pulling(learned: Learned, terms: Terms, pull: float) -> Learned:
    """What was learned, with the strength of other weights, and thin records pulled ``pull`` times as hard."""
    strength = strength_factor(learned.correlation, effective_metrics(terms.overall))
    return replace(learned, strength=strength / pull)


def scores(base: Base, choices: list[Choice]) -> Iterator[np.ndarray]:
    """(U,) index before caps under each choice; NaN = none.

    Neighbouring choices share what they have in common, so sort them by half-life, weights, prior and goalposts.
    """
    for half_life, of_age in groupby(choices, lambda c: c.half_life):
        grid = _aged(base, half_life)
        learned = priors.learn(grid, base.terms, base.rule)
        for _, of_weights in groupby(of_age, lambda c: id(c.weights)):
            same = list(of_weights)
            terms = _weighed(base.terms, same[0])
            for pull, of_prior in groupby(same, lambda c: c.prior):
                prior = _pulling(learned, terms, pull).priors(terms, base.rule)
                estimate = np.where(grid.applies, priors.posterior(grid, terms, prior).estimate, np.nan)
                yield from _of_estimate(base, terms, estimate, of_prior)


def _of_estimate(base: Base, terms: Terms, estimate: np.ndarray, choices: Iterator[Choice]) -> Iterator[np.ndarray]:
    for share, of_goalposts in groupby(choices, lambda c: c.goalposts):
        points = base.grid.held(utility(estimate, *moved_goalposts(terms.posts[:, :1], share)))
        for choice in of_goalposts:
            rho = base.rule["rho"] if choice.rho is None else choice.rho
            yield _together(base, terms, points, rho, choice.inside)
