"""What each record takes off, beside the records on screen (metrics/record_parts.py)."""

from __future__ import annotations

import numpy as np
import polars as pl

import metrics
from data.queries import parts
from metrics.calendar import Quarter
from metrics.record_parts import Cell, counts, split
from pages.shared import rule

KEY = ("record_table", "record_id", "decided_on")


def split_of(scope, con, *, level: str, unit_id: str, metric: str, period: str) -> tuple[pl.DataFrame, float] | None:
    """Points each counted record takes off (``KEY`` and ``lost_points``), and those the class's level stands for; None =
    the metric is not scored, or its points are not the records' (withheld)."""
    asked = {"level": level, "unit_id": unit_id, "metric": metric, "period": period}
    found = parts.cell_of(scope, con, **asked)
    if found is None or found["lost"] is None or found["state"] == "withheld":
        return None
    kind, posts, index = metrics.ALL[metric], rule.book().metric(Quarter.parse(period).last, metric), rule.index(period)
    numbers = {n: np.nan if found[n] is None else found[n] for n in ("lost", "m", "tau2", "c", "throws")}
    cell = Cell(**numbers, fail=float(posts["fail"]), best=float(posts["best"]))
    rows = counts(parts.evidence_of(scope, con, **asked), kind, level, period, index["window_quarters"])
    own, peers = split(rows, kind, cell, Quarter.parse(period).last, index["half_life_months"])
    return rows.select(*KEY, lost_points=pl.Series(own)).group_by(*KEY).agg(pl.col("lost_points").sum()), peers
