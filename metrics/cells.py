"""Cells: from what is known of each unit to points, sub-indices and the index before caps (method.md sections 3 and 4).

Everything is worked out for every unit; whether it is rated is another matter (``metrics.scores``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.edition_tables import VALUE_STATES
from metrics.grid import BLOCK, Grid, by_blocks
from metrics.index import FULL, Membership, power_mean, shares
from metrics.points import utility
from metrics.priors import Priors, posterior
from metrics.terms import Terms
from rules.book import Rule

MEASURED, NOT_APPLICABLE, NOT_COLLECTED, WITHHELD = range(len(VALUE_STATES))


@dataclass(frozen=True)
class Cells:
    """One number per unit and metric, (U, J), and per unit; NaN = none.

    Attributes:
        state: place in VALUE_STATES.
        raw: the bare record. estimate: after the pull to the class.
        points: of the estimate. own_points: of the bare record.
        share: of the sub-index, after what does not apply is dropped; 0 = shown, not scored.
        lost: index points below a full score. gap: index points above (+) or below (-) the class level. Both exact.
        subindices, sub_share, sub_lost: (U, K) points, weight in the index, index points lost. score, own_score: (U,) the index, and what the bare record alone would give.
    """

    state: np.ndarray
    raw: np.ndarray
    estimate: np.ndarray
    points: np.ndarray
    own_points: np.ndarray
    share: np.ndarray
    lost: np.ndarray
    gap: np.ndarray
    subindices: np.ndarray
    sub_share: np.ndarray
    sub_lost: np.ndarray
    score: np.ndarray
    own_score: np.ndarray


def value_states(grid: Grid, terms: Terms, collected: np.ndarray) -> np.ndarray:
    """(U, J) place in VALUE_STATES (method.md section 7).

    A duty nobody had to meet yet does not apply: an obligation without a row, where others of the period have theirs.

    Args:
        collected: (P, J) whether anybody was measured in the period.
    """
    not_asked = ~grid.applies | ((terms.family == "obligation") & collected[grid.period])
    missing = np.where(not_asked, NOT_APPLICABLE, NOT_COLLECTED)
    state = np.where(measured(grid, terms), MEASURED, missing)
    return np.where(grid.withheld & grid.applies, WITHHELD, state).astype(np.int8)


def measured(grid: Grid, terms: Terms) -> np.ndarray:
    """(U, J) whether there is evidence, or its absence is itself a fact (``when_empty``)."""
    return grid.applies & ((grid.e > 0) | ~np.isnan(terms.when_empty))


def collected_by_period(grid: Grid, terms: Terms) -> np.ndarray:
    """(P, J) whether anybody was measured in the period."""
    out = np.zeros(terms.in_force.shape, dtype=bool)
    for start in range(0, len(grid.period), BLOCK):
        part = grid.block(slice(start, start + BLOCK))
        np.logical_or.at(out, part.period, measured(part, terms))
    return out


def class_points(grid: Grid, points: np.ndarray, state: np.ndarray) -> np.ndarray:
    """(G, J) mean points of the measured estates of each class; NaN where there are none."""
    rows, groups = grid.estates()
    seen = (state[rows] == MEASURED) & ~np.isnan(points[rows])
    total, count = groups.total(np.where(seen, points[rows], 0.0)), groups.total(seen.astype(float))
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def points_of(grid: Grid, terms: Terms, priors: Priors, collected: np.ndarray) -> dict[str, np.ndarray]:
    """State, bare record, estimate and the points of both, of every cell: (U, J) each, as named in ``Cells``."""
    state, known = value_states(grid, terms, collected), posterior(grid, terms, priors)
    posts = terms.posts[:, grid.period]
    raw = np.where((state == MEASURED) | (state == WITHHELD), known.raw, np.nan)
    estimate = np.where(state == NOT_APPLICABLE, np.nan, known.estimate)
    points, own_points = (grid.held(utility(x, *posts)) for x in (estimate, raw))
    estimate = np.where(state == WITHHELD, np.nan, estimate)  # nothing is estimated: the points are a fact
    return {"state": state, "raw": raw, "estimate": estimate, "points": points, "own_points": own_points}


def _index(grid: Grid, terms: Terms, points: np.ndarray, own: np.ndarray, peers: np.ndarray, rule: Rule) -> dict:
    rho, floor = rule["rho"], rule["floor"]
    member = membership(grid, terms)
    points, own = (np.where(member.weight > 0, x, np.nan) for x in (points, own))
    share, peers = member.share(points), peers[grid.group]
    subindices = member.subindices(points, share)
    lost = member.moved(points, np.where(np.isnan(points), np.nan, FULL), share, rho, floor)
    return {
        "share": share,
        "lost": lost,
        "sub_share": shares(member.sub_weight, ~np.isnan(subindices)),
        "sub_lost": member.totals(np.nan_to_num(lost)),
        "gap": member.moved(points, np.where(np.isnan(peers), points, peers), share, rho, floor),
        "subindices": subindices,
        "score": power_mean(subindices, member.sub_weight, rho, floor),
        "own_score": power_mean(member.subindices(own, member.share(own)), member.sub_weight, rho, floor),
    }


def membership(grid: Grid, terms: Terms) -> Membership:
    """Sub-index and weight of every cell, as in force in the row's period."""
    period = grid.period
    return Membership(terms.subindex[period], terms.weight[period], terms.sub_weight[period])


def cells_of(grid: Grid, terms: Terms, priors: Priors, rule: Rule) -> Cells:
    """Estimates, points and contributions of every cell, and every unit's index before caps."""
    rows, collected = len(grid.period), collected_by_period(grid, terms)
    made = by_blocks(rows, lambda part: points_of(grid.block(part), terms, priors, collected))
    points, own = made["points"], made["own_points"]
    peers = class_points(grid, points, made["state"])
    index = by_blocks(rows, lambda part: _index(grid.block(part), terms, points[part], own[part], peers, rule))
    return Cells(**made, **index)


def rescored(grid: Grid, part: Grid, terms: Terms, priors: Priors, rule: Rule) -> tuple[np.ndarray, np.ndarray]:
    """Points (rows, J) and index (rows,) before caps of some units with other sums, all else as published.

    Args:
        grid: everybody, as published. part: the units concerned, with their other sums.
    """
    points = points_of(part, terms, priors, collected_by_period(grid, terms))["points"]
    member = membership(part, terms)
    counted = np.where(member.weight > 0, points, np.nan)
    subindices = member.subindices(counted, member.share(counted))
    return points, power_mean(subindices, member.sub_weight, rule["rho"], rule["floor"])
