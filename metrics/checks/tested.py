"""Units looked at by one detector: what was seen, what was to be expected, how likely as much is by chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from metrics.surveillance import chance_of_as_many, discoveries, funnel

DIGITS = 9
SHOWN = 20  # records named with a finding
LEAST_P = 1e-9  # a chance is never written as 0
SCHEMA: dict[str, Any] = {
    "period": pl.String, "detector": pl.String, "level": pl.String, "unit_id": pl.String, "observed": pl.Float64,
    "expected": pl.Float64, "p": pl.Float64, "records": pl.Int64, "record_ids": pl.String,
}  # fmt: skip
RUN: dict[str, Any] = {
    "period": pl.String, "detector": pl.String, "level": pl.String, "looked_at": pl.Int64, "selected": pl.Int64,
    "q": pl.Float64, "by_chance": pl.Float64,
}  # fmt: skip
#: What a detector's query gives: the unit, what was seen, of how many, what was expected, and the records behind it.
COLUMNS: dict[str, Any] = {"unit_id": pl.String, "observed": pl.Float64, "of": pl.Float64, "expected": pl.Float64,
           "record_ids": pl.List(pl.String)}  # fmt: skip


@dataclass(frozen=True)
class Tested:
    """All units a detector looked at.

    Attributes:
        level: ``estate``, ``company``, ``inspector`` or ``district``.
        rows: COLUMNS. p: (U,) chance of as much or more; NaN = cannot be told.
        by_chance: None where p is tested; for facts and alarms, whose p is 0 or 1, how many units are expected to be
            listed though nothing is amiss.
    """

    level: str
    rows: pl.DataFrame
    p: np.ndarray
    by_chance: float | None = None


def shaped(rows: pl.DataFrame) -> pl.DataFrame:
    """The columns of a query in type and order, empty or not; those absent are empty."""
    lacking = {name: pl.lit(None, dtype=kind) for name, kind in COLUMNS.items() if name not in rows.columns}
    rows = rows.with_columns(**lacking)
    return rows.select(pl.col(name).cast(kind) for name, kind in COLUMNS.items()).sort("unit_id")


def beside_others(level: str, rows: pl.DataFrame, least: int, tail: float, share: float | None = None) -> Tested:
    """Units whose share ``observed / of`` lies above everybody's, allowing for differences between units (funnel).

    Args:
        rows: ``unit_id, observed, of``; ``expected`` becomes ``of`` times the district's share.
        least: observations below which a unit is not looked at twice. tail: share winsorised by the funnel.
        share: the district's usual ``observed / of`` where it is not that of all units together.
    """
    rows = shaped(rows)
    found, whole = (float(rows[name].to_numpy().sum()) for name in ("observed", "of"))
    if share is None:
        share = found / whole if whole else 0.0
    rows = rows.with_columns(expected=pl.col("of") * share)
    observed, expected = rows["observed"].to_numpy(), rows["expected"].to_numpy()
    spread = funnel(observed, expected, tail=tail).spread if rows.height else 0.0
    p = chance_of_as_many(observed, expected, 0.0 if np.isnan(spread) else spread)
    looked = rows["of"].to_numpy() > 0  # also where nobody has any: then nothing is to be expected, and nothing seen
    return Tested(level, rows, np.where(looked & (observed >= least), p, np.where(looked, 1.0, np.nan)))


def selected(detector: str, tested: Tested, q: float, period: str) -> pl.DataFrame:
    """The units that stand out if at most a share ``q`` of them may by chance; columns SCHEMA."""
    rows = tested.rows.with_columns(p=pl.Series(tested.p, dtype=pl.Float64).fill_nan(None))
    rows = rows.filter(pl.Series(discoveries(tested.p, q), dtype=pl.Boolean))
    p = pl.col("p").clip(lower_bound=LEAST_P) if tested.by_chance is None else pl.lit(None, dtype=pl.Float64)
    ids = pl.col("record_ids").list.sort()
    named = {
        "period": pl.lit(period), "detector": pl.lit(detector), "level": pl.lit(tested.level),
        "records": ids.list.len().fill_null(0), "record_ids": ids.list.head(SHOWN).list.join(", ").fill_null(""),
    }  # fmt: skip
    made = rows.with_columns(pl.col("observed", "expected").round(DIGITS), p=p.round(DIGITS), **named)
    return made.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())


def run_of(detector: str, tested: Tested, found: pl.DataFrame, q: float, period: str) -> dict:
    """One row of contract CheckRun."""
    looked = int((~np.isnan(tested.p)).sum())
    return {"period": period, "detector": detector, "level": tested.level, "looked_at": looked,
            "selected": found.height, "q": q, "by_chance": tested.by_chance}  # fmt: skip
