"""Is the published score what another half of the records would have said? (method.md 9.4)

Records are split in two by a hash of their key, all rows of one visit together; a rate's time is halved; duties met or
missed are facts and stand in both halves. Half A is scored as an edition is, priors and all; half B as its bare records
say. If the pull to the class is right, B rises by one point where A does.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis.expr.types as ir
import numpy as np
import polars as pl

from metrics import priors
from metrics.base import Metric
from metrics.cells import cells_of
from metrics.certainty import PASS, Ways, chance_below, drawn_scores
from metrics.flags import select
from metrics.grid import Grid
from metrics.terms import Terms
from rules.book import Rule

HALVES = (0, 1)
DIGITS = 9


def evidence_does() -> pl.Expr:
    """Of index scores, the units whose halves are compared: those whose evidence would do, however sure their score.

    Not the rated alone: how sure a score is depends on where it lies (goalposts are steeper below the minimum), and among
    units chosen for a good whole record the halves run against each other. Toronto 2022Q4: slope -1.1 over the 70 rated
    with records in both halves, where all evaluated say otherwise (docs/method.md 9.4).
    """
    return pl.col("why_not_rated").is_null() | (pl.col("why_not_rated") == "low_reliability")


@dataclass(frozen=True)
class Half:
    """One half of the records of every compared estate, (U,): scored with the pull to the class, bare, and the chance of a
    true index below the pass mark; None = not drawn."""

    score: np.ndarray
    own: np.ndarray
    p_below: np.ndarray | None = None

    def where(self, kept: np.ndarray) -> Half:
        """The same of the estates kept, (U,) boolean; the others have no score."""
        p = None if self.p_below is None else np.where(kept, self.p_below, np.nan)
        return Half(np.where(kept, self.score, np.nan), np.where(kept, self.own, np.nan), p)


def half_of(evidence: ir.Table, half: int, chosen: dict[str, Metric]) -> ir.Table:
    """The evidence rows of one half: parity of a hash of the key's first part (a visit, not its items); facts whole."""
    facts = [n for n, m in chosen.items() if m.family == "obligation"]
    key = evidence.record_id.split("/")[0]
    digit = key.hexdigest("md5").substr(31, 1)  # the last hexadecimal digit
    odd = digit.isin(list("13579bdf"))
    mine = odd if half else ~odd
    return evidence.filter(mine | evidence.metric.isin(facts) if facts else mine)


def halved(sums: pl.DataFrame, chosen: dict[str, Metric]) -> pl.DataFrame:
    """Sums of a half whose rates have half the time: exposure was added whole, whatever half was asked for."""
    timed = [n for n, m in chosen.items() if m.exposure]
    part = pl.when(pl.col("metric").is_in(timed)).then(0.5).otherwise(1.0)
    return sums.with_columns(e=pl.col("e") * part, e2=pl.col("e2") * part)


def scored_half(grid: Grid, terms: Terms, rule: Rule, half: int) -> Half:
    """Score one half, all units of one level and period, with priors learned from it."""
    prior = priors.estimate(grid, terms, rule)
    cells = cells_of(grid, terms, prior, rule)
    rows = np.arange(len(grid.period))
    draws = drawn_scores(grid, terms, cells, rows, Ways(prior, rule), ("half", half)).score
    sd = draws.std(axis=1, dtype=np.float64, ddof=1)
    return Half(cells.score, cells.own_score, chance_below(rule["bands"][PASS], cells.score, sd))


def kappa(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Cohen's kappa of two lists over the same units, beyond what chance would share, and its standard error (Cohen 1960).

    NaN where both lists name nobody or everybody. 20 named by both, 5 and 10 by one alone, 15 by neither: agreement
    35 / 50 = .7, by chance .5 x .6 + .5 x .4 = .5; kappa .4, se (.7 x .3 / (50 x .25))^.5 = .129615.
    """
    agreed, chance = (one == other).mean(), one.mean() * other.mean() + (1 - one.mean()) * (1 - other.mean())
    if chance >= 1:
        return np.nan, np.nan
    spread = np.sqrt(agreed * (1 - agreed) / (len(one) * (1 - chance) ** 2))
    return float((agreed - chance) / (1 - chance)), float(spread)


def flagged_alike(one: Half, other: Half, known: np.ndarray, ladder: Rule | None) -> tuple[float, float]:
    """Kappa of the lists that each half alone would make: 10.1's selection, of the compared estates.

    Half the records tell half as much, so the lists of whole editions agree better than this.
    """
    q, gate = (None, None) if ladder is None else (ladder.get("flag_q"), ladder.get("flag_p"))
    if one.p_below is None or other.p_below is None or not known.any() or q is None or gate is None:
        return np.nan, np.nan  # a ladder that reads no probabilities flags nobody by them
    lists = (select(p[known], q, gate) for p in (one.p_below, other.p_below))
    return kappa(*lists)


def slope(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Least-squares slope of y on x and its standard error (HC1: spreads may differ); NaN for fewer than three.

    x = (1, 2, 3, 4), y = (1, 3, 2, 4): cov 4 / 5 = .8; residuals (-.3, .9, -.9, .3) about 2.5: deviations (-1.5, -.5,
    .5, 1.5): sum d^2 r^2 = .2025 + .2025 + .2025 + .2025 = .81; 4 / 2 x .81 / 25 = .0648; se .254558.
    """
    known = ~np.isnan(x) & ~np.isnan(y)
    x, y = x[known], y[known]
    n, d = len(x), x - x.mean() if len(x) else x
    whole = (d**2).sum()
    if n < 3 or whole <= 0:
        return np.nan, np.nan
    found = (d * (y - y.mean())).sum() / whole
    left = y - y.mean() - found * d
    return float(found), float(np.sqrt(n / (n - 2) * (d**2 * left**2).sum() / whole**2))


def stepped_up(r: float) -> float:
    """Spearman-Brown: the correlation of two whole records, from that of their halves (.6 gives .75)."""
    return 2 * r / (1 + r) if r > -1 else np.nan


def residuals(one: Half, other: Half) -> np.ndarray:
    """(U,) what the bare records of each half say beyond the score of the other, on average over both ways; NaN where
    either is missing."""
    return ((other.own - one.score) + (one.own - other.score)) / 2


def validity(
    one: Half, other: Half, reliability: np.ndarray, rule: Rule, ladder: Rule | None, period: str
) -> pl.DataFrame:  # fmt: skip
    """Contract Validity.

    Args:
        one, other: of the estates compared (``evidence_does``). reliability: (U,) of the whole record.
        rule: rules/audit.toml. ladder: rules/ladder.toml.

    A limit is breached from ``z`` standard errors beyond it, so that chance alone holds up no edition; with fewer than
    ``units_min`` estates nothing can be told and nothing is breached.
    """
    known = ~np.isnan(residuals(one, other))
    n = int(known.sum())
    told = n >= rule["units_min"]
    there, back = (slope(a.score[known], b.own[known]) for a, b in ((one, other), (other, one)))
    both, error = (there[0] + back[0]) / 2, np.hypot(there[1], back[1]) / 2
    varies = told and one.score[known].std() > 0 and other.score[known].std() > 0
    r = float(np.corrcoef(one.score[known], other.score[known])[0, 1]) if varies else np.nan
    whole, mean_r = stepped_up(r), float(reliability[known].mean()) if n else np.nan
    r_error = 2 / (1 + r) ** 2 * (1 - r**2) / np.sqrt(max(n - 3, 1)) if varies else np.nan
    alike, alike_error = flagged_alike(one, other, known, ladder)
    least = mean_r - rule["consistency_slack"]
    low, high = rule["slope_least"], rule["slope_most"]
    rows = [
        ("slope", both, error, low, high, both < low - rule["z"] * error or both > high + rule["z"] * error),
        ("consistency", whole, r_error, least, None, whole < least - rule["z"] * r_error),
        ("flags", alike, alike_error, None, None, False),
    ]  # fmt: skip
    made = [
        {
            "period": period, "measure": name, "units": n, "value": round(value, DIGITS) if told else None,
            "se": round(se, DIGITS) if told else None, "least": round(lo, DIGITS) if lo is not None and n else None,
            "most": hi, "breached": bool(told and beyond),
        }
        for name, value, se, lo, hi, beyond in rows
    ]  # fmt: skip
    schema = {"period": pl.String, "measure": pl.String, "units": pl.Int64, "value": pl.Float64, "se": pl.Float64,
              "least": pl.Float64, "most": pl.Float64, "breached": pl.Boolean}  # fmt: skip
    return pl.DataFrame(made, schema=schema).with_columns(pl.col(pl.Float64).fill_nan(None))
