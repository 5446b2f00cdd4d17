"""Why a score is what it is, and why it moved: what the explanations on the pages are built from."""

from __future__ import annotations

import duckdb
import polars as pl

from data.queries import ask, readable
from data.scope import Scope


def change_of(scope: Scope, con: duckdb.DuckDBPyConnection, *, level: str, unit_id: str, period: str) -> pl.DataFrame:
    """One line of why a unit's score moved: part (``metric`` or ``cause``), item, points, since, and the score and its
    standard deviation in both periods (final, sd, then_final, then_sd). Empty where there is no period before."""
    params = {"level": level, "unit": unit_id, "period": period}
    r = readable(scope, params, c="changes", s="index_scores", b="index_scores")
    return ask(
        con,
        f"""
        SELECT c.part, c.item, c.points, c.since, s.final, s.sd, b.final AS then_final, b.sd AS then_sd
        FROM {r["c"]} AS c
        JOIN {r["s"]} AS s ON s.level = c.level AND s.unit_id = c.unit_id AND s.period = c.period
        JOIN {r["b"]} AS b ON b.level = c.level AND b.unit_id = c.unit_id AND b.period = c.since
        WHERE c.level = $level AND c.unit_id = $unit AND c.period = $period
          AND s.state <> 'not_rated' AND b.state <> 'not_rated'
        ORDER BY c.part, abs(c.points) DESC, c.item
        """,
        params,
    )


def parts_of_company(scope: Scope, con: duckdb.DuckDBPyConnection, *, company_id: str, period: str) -> pl.DataFrame:
    """One rated spell of one company: estate and its names, share of the weight, points it takes off the mean."""
    params = {"company": company_id, "period": period}
    r = readable(scope, params, p="party_parts", e="estates")
    return ask(
        con,
        f"""
        SELECT p.unit_id, p.estate_id, p.share, p.points_lost, e.name_zh, e.name_en
        FROM {r["p"]} AS p
        LEFT JOIN {r["e"]} AS e ON e.estate_id = p.estate_id AND e.period = p.period
        WHERE p.party = 'company' AND p.party_id = $company AND p.period = $period
        ORDER BY p.points_lost DESC, p.unit_id
        """,
        params,
    )


def flagged(scope: Scope, con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """How many steps rest on a probability, and how many of those are expected to be wrong: step, n, wrong."""
    params: dict = {}
    r = readable(scope, params, d="due")
    return ask(
        con,
        f"""
        SELECT step, count(*) AS n, sum(1 - p) AS wrong
        FROM {r["d"]} AS d WHERE p IS NOT NULL GROUP BY step ORDER BY step
        """,
        params,
    )
