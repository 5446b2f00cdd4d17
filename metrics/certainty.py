"""How far a score can be trusted: its standard deviation, interval, chances, reliability and rank interval (method.md
sections 7 and 9), from posterior draws of one level and period after another.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.special import ndtr

from metrics.draws import Drawn, rank_intervals, score_draws
from metrics.grid import Grid
from metrics.priors import Priors, posterior
from metrics.terms import Terms
from rules.book import Rule

if TYPE_CHECKING:
    from metrics.scores import Cells

NONE = 1e-6  # points; a smaller standard deviation is rounding in the draws of a fact
PASS, TOP = "attention", "excellent"  # bands whose least scores are the pass mark and the top line


def chance_below(line: float, score: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """P(index < line) of a normal index; a score without spread lies below the line or does not.

    T14: score 48.658824 and sd 13.570794 give .798339 below 60.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        z = (line - score) / sd
    return np.where(sd > 0, ndtr(z), np.where(np.isnan(score), np.nan, (score < line).astype(float)))


def interval(final: np.ndarray, sd: np.ndarray, z: float) -> tuple[np.ndarray, np.ndarray]:
    """``final`` give or take ``z`` standard deviations, within 0 and 100."""
    return np.clip(final - z * sd, 0.0, 100.0), np.clip(final + z * sd, 0.0, 100.0)


def reliability(score: np.ndarray, sd: np.ndarray, peers: np.ndarray, least: int) -> np.ndarray:
    """R = 1 - sd^2 / (Var(S) + mean sd^2) over the peer class; over everybody where the class has fewer than ``least``.

    Args:
        score, sd: (U,) of one level and period; NaN = no score.
        peers: (U,) number of each unit's class.

    T12: sd 6, Var(S) 150 and mean sd^2 50 give .82.
    """
    known = ~np.isnan(score)
    _, of = np.unique(peers, return_inverse=True)
    counts = np.bincount(of[known], minlength=of.max(initial=-1) + 1)
    own = np.append(counts >= least, False)
    of = np.where(own[of], of, len(counts))  # one more group: everybody
    spread = np.full(len(counts) + 1, np.nan)
    if known.any():
        spread[-1] = score[known].var() + (sd[known] ** 2).mean()
    for g in np.flatnonzero(own):
        at = known & (of == g)
        spread[g] = score[at].var() + (sd[at] ** 2).mean()
    with np.errstate(divide="ignore", invalid="ignore"):
        found = 1 - sd**2 / spread[of]
    return np.clip(np.where(sd < NONE, 1.0, found), 0.0, 1.0)


def drawn_from(grid: Grid, terms: Terms, priors: Priors, cells: Cells, rows: np.ndarray) -> Drawn:
    """What the units in ``rows``, all of one period, are drawn from."""
    part = grid.block(rows)
    known, period = posterior(part, terms, priors), int(part.period[0])
    return Drawn(
        family=terms.family, a=known.a, b=known.b, c=priors.c[part.group], points=cells.points[rows],
        share=cells.share[rows], place=terms.subindex[period], posts=terms.posts[:, period],
        sub_share=cells.sub_share[rows],
    )  # fmt: skip


def _together(grid: Grid) -> Iterator[tuple[str, str, np.ndarray]]:
    """Rows of each level and period."""
    keys = grid.units.select("level", "period").with_row_index("row")
    for (level, period), rows in keys.group_by("level", "period", maintain_order=True):
        yield str(level), str(period), rows.get_column("row").to_numpy()


def certainty_of(
    grid: Grid, terms: Terms, priors: Priors, cells: Cells, final: np.ndarray, cap: np.ndarray, ready: np.ndarray,
    rule: Rule,
) -> pl.DataFrame:  # fmt: skip
    """Columns ``sd, lo, hi, p_below, p_above, reliability, rank_lo, rank_hi`` of every unit, in the grid's order.

    The interval lies around the published score, never above a cap in force; a cap below a line settles the chance of
    it. Draws stay with the score before caps.

    Args:
        final: (U,) published score; NaN = none. cap: (U,) cap in force; NaN = none.
        ready: (U,) whether the unit is ranked as soon as it is reliable enough.
        rule: the index rule in force.
    """
    rho, floor, draws = rule["rho"], rule["floor"], rule["draws"]
    units = len(final)
    sd, sure = np.full(units, np.nan), np.full(units, np.nan)
    low, high = np.zeros(units, dtype=np.int64), np.zeros(units, dtype=np.int64)
    for level, period, rows in _together(grid):
        drawn = score_draws(drawn_from(grid, terms, priors, cells, rows), draws, (period, level), rho, floor)
        spread = drawn.std(axis=1, dtype=np.float64, ddof=1)
        sd[rows] = np.where(np.isnan(cells.score[rows]), np.nan, np.where(spread < NONE, 0.0, spread))
        classes = grid.group[rows]
        sure[rows] = reliability(cells.score[rows], sd[rows], classes, rule["reliability_class_min"])
        placed = np.flatnonzero(ready[rows] & (sure[rows] >= rule["reliability_rated"]))
        at = rows[placed]
        low[at], high[at] = rank_intervals(drawn[placed], final[at], classes[placed], rule["rank_coverage"])
    lo, hi = interval(final, sd, rule["interval_z"])
    line, top = rule["bands"][PASS], rule["bands"][TOP]
    below, above = chance_below(line, cells.score, sd), 1 - chance_below(top, cells.score, sd)
    columns = {
        "sd": sd, "lo": lo, "hi": np.where(np.isnan(hi), np.nan, np.fmin(hi, cap)), "p_below": np.where(cap < line, 1.0, below),
        "p_above": np.where(cap < top, 0.0, above), "reliability": sure,
    }  # fmt: skip
    numbers = {name: pl.Series(values).fill_nan(None) for name, values in columns.items()}
    ranks = {"rank_lo": pl.Series(low).replace(0, None), "rank_hi": pl.Series(high).replace(0, None)}
    return pl.DataFrame(numbers | ranks)
