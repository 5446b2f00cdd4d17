"""Which units stand out surely enough: selection with a bounded share of wrong ones (method.md 10.1).

Of the rated units, taken from the surest down, as many are selected as keep the expected share of wrong selections
within ``q``; and each must be sure enough by itself. What is expected to be wrong is printed with every list.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from metrics.certainty import chance_below


def select(p: np.ndarray, q: float, gate: float) -> np.ndarray:
    """(U,) whether each unit is selected; NaN is never.

    Args:
        p: (U,) probability that the unit truly lies where the list says.
        q: greatest expected share of wrong selections. gate: least ``p`` of each selected unit.

    T15: p = (.99, .97, .93, .90, .85, .80, .60), q .10, gate .80: the first six; expected wrong .56.
    """
    known = np.where(np.isnan(p), -1.0, p)
    order = np.argsort(-known, kind="stable")
    falling = known[order]
    running = np.cumsum(1 - falling) / np.arange(1, len(p) + 1)
    within = np.searchsorted(running, q + 1e-12, side="right")  # running means ascend
    left_out = falling[within] if within < len(p) else -1.0
    chosen = (falling > left_out) & (falling >= gate)  # equal chances stand or fall together
    out = np.zeros(len(p), dtype=bool)
    out[order] = chosen
    return out


def expected_wrong(p: np.ndarray, selected: np.ndarray) -> float:
    """How many of the selected are expected to be wrong: the sum of 1 - p (T15: .56)."""
    return float((1 - p[selected]).sum())


def selected(rows: pl.DataFrame, p: str, group: list[str], q: float, gate: float) -> pl.Series:
    """``select`` within each group of ``rows`` (the units of one level in one period), as a column in their order."""
    place = rows.select(*group, p).with_row_index("row")
    parts = [
        part.select("row", chosen=pl.Series(select(part[p].fill_null(np.nan).to_numpy(), q, gate)))
        for part in place.partition_by(group, maintain_order=True)
    ]
    empty = pl.DataFrame(schema={"row": pl.UInt32, "chosen": pl.Boolean})
    return pl.concat([empty, *parts]).sort("row").get_column("chosen")


def chance_above(score: np.ndarray, sd: np.ndarray, earlier: np.ndarray, earlier_sd: np.ndarray) -> np.ndarray:
    """P(score > earlier) of two independent normal scores; NaN where either is missing.

    Scores of neighbouring periods share records, so their true difference is surer than this says: cautious.
    """
    return chance_below(0.0, earlier - score, np.hypot(sd, earlier_sd))
