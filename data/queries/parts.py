"""The records behind one metric, as they count, and what they are split by (metrics/record_parts.py)."""

from __future__ import annotations

import duckdb
import polars as pl

from data.queries import ask, readable
from data.queries.files import EVIDENCE_KEY
from data.scope import Scope


def evidence_of(
    scope: Scope, con: duckdb.DuckDBPyConnection, *, level: str, unit_id: str, metric: str, period: str
) -> pl.DataFrame:  # fmt: skip
    """Every record one metric looked at for a unit, up to the period's last day, in a fixed order."""
    params = {"unit": unit_id, "metric": metric, "period": period}
    r = readable(scope, params, v="evidence", p="periods")
    return ask(
        con,
        f"""
        SELECT v.record_table, v.record_id, v.period, v.decided_on, v.numerator, v.denominator, v.factor, v.excluded
        FROM {r["v"]} AS v JOIN {r["p"]} AS p ON p.period = $period
        WHERE v.metric = $metric AND v.{EVIDENCE_KEY[level]} = $unit AND v.decided_on < p."end"
        ORDER BY v.decided_on, v.record_table, v.record_id, v.period
        """,
        params,
    )


def cell_of(
    scope: Scope, con: duckdb.DuckDBPyConnection, *, level: str, unit_id: str, metric: str, period: str
) -> dict | None:  # fmt: skip
    """``state``, ``lost``, ``m``, ``tau2``, ``c``, ``throws``, ``y``, ``e`` of one metric of a unit; None = not readable."""
    params = {"level": level, "unit": unit_id, "metric": metric, "period": period}
    r = readable(scope, params, m="metric_scores", s="index_scores", p="priors", d="dispersion", x="metric_sums")
    rows = ask(
        con,
        f"""
        SELECT m.state, m.points_lost AS lost, p.m, p.tau2, p.c, coalesce(d.dispersion, 1) AS throws, x.y, x.e
        FROM {r["m"]} AS m
        JOIN {r["s"]} AS s USING (level, unit_id, period)
        LEFT JOIN {r["p"]} AS p ON p.period = m.period AND p.estate_class = s.estate_class AND p.metric = m.metric
        LEFT JOIN {r["d"]} AS d ON d.metric = m.metric
        LEFT JOIN {r["x"]} AS x ON x.level = m.level AND x.unit_id = m.unit_id AND x.period = m.period
                               AND x.metric = m.metric
        WHERE m.level = $level AND m.unit_id = $unit AND m.period = $period AND m.metric = $metric
        """,
        params,
    )
    return rows.row(0, named=True) if rows.height else None
