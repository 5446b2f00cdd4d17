"""A few estates and metrics as the method sees them, for tests of priors, points, index and scores."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl

from metrics.grid import Grid, grid_of
from metrics.terms import ANCHORS, SHOWN, Terms
from rules.book import Book, Rule

PERIOD = "2026Q3"
SUBINDICES = ("fire", "rectification", "drills", "security", "residents")
#: Worked example T8: lower is better.
RATE_POSTS = {"fail": 4.0, "minimum": 1.5, "target": 0.5, "best": 0.2}
SHARE_POSTS = {"fail": 0.3, "minimum": 0.7, "target": 0.9, "best": 1.0}
RATE = {"family": "rate", "subindex": "fire", "weight": 1.0, "source": "police", **RATE_POSTS}
SHARE = {"family": "proportion", "subindex": "rectification", "weight": 1.0, "source": "inspection", **SHARE_POSTS}


def index_rule(**changes) -> Rule:
    """The index rule in force on 2026-09-30, with some numbers changed."""
    rule = Book().on(date(2026, 9, 30), "index")
    assert changes.keys() <= rule.values.keys(), "no such number in rules/index.toml"
    return replace(rule, values=rule.values | changes)


def terms_for(metrics: dict[str, dict], weights: dict[str, float], periods: tuple[str, ...] = (PERIOD,)) -> Terms:
    """Terms of metrics such as RATE and SHARE, the same in every period.

    Args:
        weights: sub-index to its weight in the index.
    """
    names, subs = tuple(sorted(metrics)), tuple(weights)
    chosen = [metrics[n] for n in names]

    def each_period(values: list) -> np.ndarray:
        return np.tile(np.array(values), (len(periods), 1))

    return Terms(
        periods=periods,
        names=names,
        subindices=subs,
        family=np.array([m["family"] for m in chosen]),
        source=np.array([m["source"] for m in chosen]),
        when_empty=np.array([m.get("when_empty", np.nan) for m in chosen], dtype=float),
        in_force=np.ones((len(periods), len(names)), dtype=bool),
        subindex=each_period([subs.index(m["subindex"]) if m["weight"] > 0 else SHOWN for m in chosen]),
        weight=each_period([float(m["weight"]) for m in chosen]),
        sub_weight=each_period(list(weights.values())),
        posts=np.stack([each_period([m[a] for m in chosen]) for a in ANCHORS]),
    )


def unit_row(estate_id: str, level: str = "estate", **more) -> dict:
    """One row of the units frame: by default a rated estate of class HR."""
    row = {
        "level": level, "unit_id": estate_id if level == "estate" else f"{level}-{estate_id}", "estate_id": estate_id,
        "company_id": "acme", "head_id": "h1", "period": PERIOD, "estate_class": "HR", "households": 1000,
        "in_charge_days": None if level == "estate" else 1000, "current": True, "inspected": True,
        "household_days": 1000.0,
    }  # fmt: skip
    return row | more


def units_frame(rows: list[dict]) -> pl.DataFrame:
    """The frame of ``metrics.units.units``."""
    return pl.DataFrame(rows, schema_overrides={"in_charge_days": pl.Int64, "household_days": pl.Float64})


def sums_frame(metric: str, y, e, units: pl.DataFrame, **more) -> pl.DataFrame:
    """Contract MetricSum of one metric, undecayed (e2 = e, yy = y) unless said; no row where ``e`` is 0."""
    y, e = np.asarray(y, dtype=float), np.asarray(e, dtype=float)
    columns = {"y": y, "e": e, "e2": e, "yy": y, "records": np.ceil(e).astype(int)} | more
    frame = units.select("level", "unit_id", "period").with_columns(
        metric=pl.lit(metric), **{k: pl.Series(v) for k, v in columns.items()}
    )
    return frame.filter(pl.col("e") > 0)


def grid_for(terms: Terms, units: pl.DataFrame, sums: pl.DataFrame, applicable: pl.DataFrame | None = None) -> Grid:
    """The grid of these units; every metric applies everywhere unless said."""
    if applicable is None:
        everywhere = units.select("estate_id", "period").unique().sort("estate_id", "period")
        applicable = everywhere.join(pl.DataFrame({"metric": terms.names}), how="cross")
    return grid_of(units, sums, applicable, terms)
