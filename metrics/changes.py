"""Why a score moved since the period before (method.md section 12): by metric and by cause, each summing exactly.

By metric: what each metric's own points did, with the weights of both periods halved between them; what only the weights
did stands on one line; caps on another. By cause: the score is worked out again with the new records alone, the ageing of
the old ones alone, the class's prior alone, the rules alone, and all together in every combination; the Shapley value
shares the difference between the four whatever the order they are thought of in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations
from math import factorial

import numpy as np
import polars as pl

from metrics.cells import Cells, collected_by_period, membership, points_of
from metrics.grid import CELLS, Grid
from metrics.index import power_mean, secant, transform
from metrics.priors import Priors
from metrics.terms import Terms
from rules.book import Rule

#: Causes of a change, in the order of the subsets' bits.
CAUSES = ("records", "ageing", "peers", "rules")
WEIGHTS, CAP = "weights", "cap"


@dataclass(frozen=True)
class State:
    """One of the two states compared, of the same units.

    Attributes:
        points: (U, J), NaN = none. share: (U, J, K) share of the sub-index it belongs to.
        subindices: (U, K), NaN = none. sub_share: (U, K) weight in the index. score: (U,).
    """

    points: np.ndarray
    share: np.ndarray
    subindices: np.ndarray
    sub_share: np.ndarray
    score: np.ndarray


def state_of(grid: Grid, terms: Terms, cells: Cells, rows: np.ndarray) -> State:
    """The cells of ``rows`` as one of the two states."""
    inside = membership(grid.block(rows), terms).inside
    share = cells.share[rows][..., None] * inside
    counted = np.where(cells.share[rows] > 0, cells.points[rows], np.nan)
    return State(counted, share, cells.subindices[rows], cells.sub_share[rows], cells.score[rows])


def _between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Midway where both are known; else the one that is; 0 where neither is."""
    both = (a + b) / 2
    return np.nan_to_num(np.where(np.isnan(both), np.where(np.isnan(a), b, a), both))


def by_metric(then: State, now: State, rho: float, floor: float) -> tuple[np.ndarray, np.ndarray]:
    """Index points each metric moved the score by, (U, J), and what only the weights did, (U,).

    They sum to ``now.score - then.score``. T17 (one metric to a sub-index): 3.061225, -.479044, 0, 0, -.703226; and where
    the third does not apply any more 3.299709, -.516364, 0, 0, -.758010 with -2.891578 for the weights.
    """
    lift = 1 / secant(now.score, then.score, rho)[:, None]
    up, down = np.maximum(now.subindices, floor), np.maximum(then.subindices, floor)  # NaN = there is none
    part = np.where(now.subindices > floor, 1.0, 0.0)  # of a movement, what lies above the floor
    moved = now.subindices - then.subindices
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.where(moved != 0, (up - down) / moved, part)
    weight = (now.sub_share + then.sub_share) / 2
    per_point = np.nan_to_num(lift * weight * secant(up, down, rho) * part)  # 0 where a sub-index is new or gone
    share = (now.share + then.share) / 2
    both = (now.share > 0) & (then.share > 0)
    change = np.nan_to_num(now.points - then.points)[..., None]
    metrics = np.einsum("uk,ujk->uj", per_point, np.where(both, share * change, 0.0))
    level = _between(now.points, then.points)[..., None]
    inner = np.einsum("uk,ujk->u", per_point, level * (now.share - then.share))
    height = _between(transform(up, rho), transform(down, rho))
    outer = np.nan_to_num(lift * height * (now.sub_share - then.sub_share)).sum(axis=1)
    return metrics, inner + outer


def shapley(causes: tuple[str, ...], value: Callable[[frozenset[str]], np.ndarray]) -> dict[str, np.ndarray]:
    """Share of each cause in v(all) - v(none), whatever the order; they sum to it.

    Args:
        value: v of a subset of the causes; asked once for each.

    T18: v = 70, E 66, D 72, P 70.5, ED 67.5, EP 66.4, DP 72.6, EDP 68 give -4.3, 1.8, .5.
    """
    subsets = [frozenset(c) for size in range(len(causes) + 1) for c in combinations(causes, size)]
    known, n = {s: value(s) for s in subsets}, len(causes)
    weight = {s: factorial(len(s)) * factorial(n - len(s) - 1) / factorial(n) for s in subsets if len(s) < n}

    def of(cause: str) -> np.ndarray:
        others = [s for s in subsets if cause not in s]
        return np.sum([weight[s] * (known[s | {cause}] - known[s]) for s in others], axis=0)

    return {cause: of(cause) for cause in causes}


def _aged(then: np.ndarray, now: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums of the old records aged and no new ones, and of the old ones as they were with the new ones."""
    return np.maximum(np.round(now - new, 9), 0.0), then + new


def _mixed(then: Grid, now: Grid, new: Grid, facts: np.ndarray, causes: frozenset[str]) -> Grid:
    """The units as they would stand with only these causes at work.

    Facts (obligations) have no age: they change with the records.
    """
    out = now
    for name in CELLS:
        before, after = getattr(then, name), getattr(now, name)
        aged, joined = _aged(before, after, getattr(new, name))
        kinds = {
            frozenset(): (before, before), frozenset({"ageing"}): (before, aged),
            frozenset({"records"}): (after, joined), frozenset({"records", "ageing"}): (after, after),
        }  # fmt: skip
        fact, other = kinds[causes & {"records", "ageing"}]
        out = replace(out, **{name: np.where(facts, fact, other)})  # type: ignore[arg-type]
    ruled, peers, told = (now if cause in causes else then for cause in ("rules", "peers", "records"))
    return replace(out, period=ruled.period, applies=ruled.applies, group=peers.group, at_most=told.at_most)


def by_cause(
    grid: Grid, new: Grid, terms: Terms, priors: Priors, rows: np.ndarray, earlier: np.ndarray, rule: Rule
) -> dict[str, np.ndarray]:
    """Index points each cause moved the scores of ``rows`` by since their ``earlier`` rows; caps apart.

    Args:
        grid: all units and periods. rows, earlier: (U,) rows of the same units now and the period before.
        new: the rows ``rows`` with the sums of the newest period's records alone.
    """
    then, now = grid.block(earlier), grid.block(rows)
    facts = terms.family == "obligation"
    collected = collected_by_period(grid, terms)

    def value(causes: frozenset[str]) -> np.ndarray:
        mixed = _mixed(then, now, new, facts, causes)
        points = points_of(mixed, terms, priors, collected)["points"]
        member = membership(mixed, terms)
        counted = np.where(member.weight > 0, points, np.nan)
        subs = member.subindices(counted, member.share(counted))
        return power_mean(subs, member.sub_weight, rule["rho"], rule["floor"])

    return shapley(CAUSES, value)


def changes(
    grid: Grid, terms: Terms, priors: Priors, cells: Cells, newest: Grid, final: np.ndarray, rule: Rule
) -> pl.DataFrame:
    """Contract Change: units scored in the newest period and the one before.

    Args:
        newest: the units of the newest period with the sums of that quarter's records alone.
        final: (U,) published score; NaN = none.
    """
    last, before = terms.periods[-1], terms.periods[-2] if len(terms.periods) > 1 else None
    place = grid.units.select("level", "unit_id", "period").with_row_index("row")
    pairs = (
        place.filter(pl.col("period") == last)
        .join(place.filter(pl.col("period") == before), on=["level", "unit_id"], suffix="_then")
        .join(newest.units.select("level", "unit_id").with_row_index("row_new"), on=["level", "unit_id"])
        .sort("row")
    )
    rows, earlier = (pairs[c].cast(pl.Int64).to_numpy() for c in ("row", "row_then"))
    known = ~np.isnan(cells.score[rows]) & ~np.isnan(cells.score[earlier])
    pairs, rows, earlier = pairs.filter(pl.Series(known)), rows[known], earlier[known]
    names = pairs.select("level", "unit_id", period="period", since="period_then")
    then, now = state_of(grid, terms, cells, earlier), state_of(grid, terms, cells, rows)
    metrics, weights = by_metric(then, now, rule["rho"], rule["floor"])
    cap = (final[rows] - cells.score[rows]) - (final[earlier] - cells.score[earlier])
    causes = by_cause(
        grid, newest.block(pairs["row_new"].cast(pl.Int64).to_numpy()), terms, priors, rows, earlier, rule
    )
    u, j = np.nonzero((now.share.sum(axis=2) > 0) | (then.share.sum(axis=2) > 0))
    parts = [
        _lines(names[u], "metric", pl.Series(np.array(terms.names, dtype=object)[j], dtype=pl.String), metrics[u, j])
    ]
    parts += [_lines(names, "metric", pl.lit(item), values) for item, values in ((WEIGHTS, weights), (CAP, cap))]
    parts += [_lines(names, "cause", pl.lit(item), values) for item, values in (*causes.items(), (CAP, cap))]
    return pl.concat(parts).sort("level", "unit_id", "part", "item")


def _lines(names: pl.DataFrame, part: str, item, points: np.ndarray) -> pl.DataFrame:
    return names.with_columns(part=pl.lit(part), item=item, points=pl.Series(points))
