"""How far a score can be trusted: its standard deviation, interval, chances, reliability and rank interval (method.md
sections 7 and 9), from posterior draws of one level and period after another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import ndtr

from metrics.cells import Cells
from metrics.draws import Drawn, Draws, draw, places, together
from metrics.grid import Grid
from metrics.order import alike, third_of, tiers
from metrics.priors import Priors, posterior
from metrics.reliability import NONE, expected_variance, noise, peer_groups, reliability
from metrics.terms import Terms
from rules.book import Rule

LOW = ("low_safety", "low_subindex")  # caps on what is surely low (rules/caps.toml)
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


def drawn_from(grid: Grid, terms: Terms, priors: Priors, cells: Cells, rows: np.ndarray) -> Drawn:
    """What the units in ``rows``, all of one period, are drawn from."""
    part = grid.block(rows)
    known, period = posterior(part, terms, priors), int(part.period[0])
    return Drawn(
        family=terms.family, a=known.a, b=np.where(part.withheld, 0.0, known.b), c=priors.c[part.group], points=cells.points[rows],
        share=cells.share[rows], place=terms.subindex[period], posts=terms.posts[:, period],
        sub_share=cells.sub_share[rows],
    )  # fmt: skip


def _together(grid: Grid) -> Iterator[tuple[str, str, np.ndarray]]:
    """Rows of each level and period."""
    keys = grid.units.select("level", "period").with_row_index("row")
    for (level, period), rows in keys.group_by("level", "period", maintain_order=True):
        yield str(level), str(period), rows.get_column("row").to_numpy()


@dataclass(frozen=True)
class Ways:
    """How scores are drawn and judged.

    Attributes:
        priors: of every class. again: the same from estates drawn anew (``metrics.bootstrap``); those of large classes
            are all alike. Empty = no class is small.
        small: (G,) classes drawn from ``again``.
        rule: the index rule in force.
        low: rules/caps.toml, for caps on what is surely low; None = no such cap.
        levels: the levels whose units are drawn; those of others stay without interval and unrated. None = every level.
    """

    priors: Priors
    rule: Rule
    again: Sequence[Priors] = ()
    small: np.ndarray | None = None
    low: Rule | None = None
    levels: Sequence[str] | None = None


def drawn_scores(grid: Grid, terms: Terms, cells: Cells, rows: np.ndarray, ways: Ways, names: tuple) -> Draws:
    """Draws of the units in ``rows``, all of one level and period; those of small classes with the prior's own doubt."""
    rule = ways.rule
    shape = (rule["rho"], rule["floor"])
    made = draw(drawn_from(grid, terms, ways.priors, cells, rows), rule["draws"], names, *shape)
    few = np.flatnonzero(ways.small[grid.group[rows]]) if ways.small is not None else np.zeros(0, dtype=int)
    if few.size and ways.again:
        each = rule["draws"] // len(ways.again)
        parts = [
            draw(drawn_from(grid, terms, p, cells, rows[few]), each, (*names, "again", i), *shape)
            for i, p in enumerate(ways.again)
        ]
        anew = together(parts)
        made.score[few, : anew.score.shape[1]] = anew.score
        made.sub_mean[few], made.sub_square[few] = anew.sub_mean, anew.sub_square
    return made


def surely_low(subindices: np.ndarray, sd: np.ndarray, names: tuple[str, ...], low: Rule) -> dict[str, np.ndarray]:
    """(U,) for each rule on what is surely low, whether it holds: P(sub-index < below) >= p for any it names.

    A sub-index without points is neither low nor high.
    """
    out = {}
    for code in LOW:
        part = low[code]
        asked = [k for k, name in enumerate(names) if name in part.get("subindices", names)]
        chance = chance_below(part["below"], subindices[:, asked], sd[:, asked])
        out[code] = (np.nan_to_num(chance, nan=0.0) >= part["p"]).any(axis=1)
    return out


def certainty_of(
    grid: Grid, terms: Terms, cells: Cells, cap: np.ndarray, ready: np.ndarray, ways: Ways
) -> pl.DataFrame:
    """Columns ``sd, lo, hi, p_below, p_above, reliability, rank_lo, rank_hi, third, alike, tier`` of every unit, in the
    grid's order, and one for each cap on what is surely low (``LOW``).

    The interval lies around the published score, never above a cap in force; a cap below a line settles the chance of
    it. Draws stay with the score before caps.

    Args:
        cap: (U,) cap of confirmed findings in force; NaN = none.
        ready: (U,) whether the unit is ranked as soon as it is reliable enough.
    """
    found: dict[str, np.ndarray] = {
        **{name: np.full(len(cap), np.nan) for name in ("sd", "reliability", "cap")},
        **{name: np.zeros(len(cap), dtype=np.int64) for name in ("rank_lo", "rank_hi", "tier")},
        **{name: np.zeros(len(cap), dtype=bool) for name in LOW},
        "alike": np.full(len(cap), -1, dtype=np.int64),
        "third": np.full(len(cap), "", dtype=object),
    }
    for level, period, rows in _together(grid):
        if ways.levels is not None and level not in ways.levels:
            continue
        made = drawn_scores(grid, terms, cells, rows, ways, (period, level))
        part = _of_one_period(grid, terms, cells, rows, made, cap[rows], ready[rows], ways)
        for name, values in part.items():
            found[name][rows] = values
    rule, sd, capped = ways.rule, found["sd"], found["cap"]
    lo, hi = interval(np.fmin(cells.score, capped), sd, rule["interval_z"])
    line, top = rule["bands"][PASS], rule["bands"][TOP]
    below, above = chance_below(line, cells.score, sd), 1 - chance_below(top, cells.score, sd)
    numbers = {
        "sd": sd, "lo": lo, "hi": np.where(np.isnan(hi), np.nan, np.fmin(hi, capped)),
        "p_below": np.where(capped < line, 1.0, below), "p_above": np.where(capped < top, 0.0, above),
        "reliability": found["reliability"],
    }  # fmt: skip
    return pl.DataFrame(
        {name: pl.Series(values).fill_nan(None) for name, values in numbers.items()}
        | {name: pl.Series(found[name]).replace(0, None) for name in ("rank_lo", "rank_hi", "tier")}
        | {"alike": pl.Series(found["alike"]).replace(-1, None)}
        | {"third": pl.Series(found["third"], dtype=pl.String).replace("", None)}
        | {name: pl.Series(found[name]) for name in LOW}
    )


def _reliability(grid: Grid, terms: Terms, cells: Cells, rows: np.ndarray, sd: np.ndarray, ways: Ways) -> np.ndarray:
    """(U,) reliability of the scores of the units in ``rows``, all of one level and period."""
    part, score, rule = grid.block(rows), cells.score[rows], ways.rule
    groups = peer_groups(score, part.group, rule["reliability_class_min"])
    spread = noise(
        cells.estimate[rows], terms.posts[:, part.period], cells.share[rows], cells.subindices[rows],
        cells.sub_share[rows], terms.subindex[part.period], score, expected_variance(part, terms, ways.priors), groups,
        rule,
    )  # fmt: skip
    return reliability(score, np.fmin(sd, spread), groups)


def _of_one_period(
    grid: Grid, terms: Terms, cells: Cells, rows: np.ndarray, made: Draws, cap: np.ndarray, ready: np.ndarray, ways: Ways
) -> dict[str, np.ndarray]:  # fmt: skip
    """What ``certainty_of`` finds for the units of one level and period; of those ranked also where they stand."""
    rule, score, classes = ways.rule, cells.score[rows], grid.group[rows]
    spread = made.score.std(axis=1, dtype=np.float64, ddof=1)
    sd = np.where(np.isnan(score), np.nan, np.where(spread < NONE, 0.0, spread))
    out: dict[str, np.ndarray] = {"sd": sd}
    if ways.low is not None:
        out |= surely_low(cells.subindices[rows], made.sub_sd, terms.subindices, ways.low)
        cap = np.fmin.reduce([cap, *(np.where(out[code], ways.low[code]["cap"], np.nan) for code in LOW)])
    sure = _reliability(grid, terms, cells, rows, sd, ways)
    at = np.flatnonzero(ready & (sure >= rule["reliability_rated"]))
    final, own = np.fmin(score, cap), classes[at]
    place = places(made.score[at], final[at], own, rule["rank_coverage"])
    standing = {
        "rank_lo": place.low, "rank_hi": place.high, "third": third_of(place.upper, place.lower, rule["third_sure"]),
        "alike": alike(final[at], sd[at], own, rule["order_sure"]),
        "tier": tiers(final[at], sd[at], own, rule["order_sure"]),
    }  # fmt: skip
    empty = {"rank_lo": 0, "rank_hi": 0, "third": "", "alike": -1, "tier": 0}
    for name, values in standing.items():
        whole = np.full(len(rows), empty[name], dtype=object if name == "third" else np.int64)
        whole[at] = values
        out[name] = whole
    return out | {"cap": cap, "reliability": sure}
