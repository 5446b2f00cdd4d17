"""What an edition says about its own method: how far it depends on choices, and how well its parts hang together."""

from __future__ import annotations

import duckdb
import polars as pl

from data.queries import ask, readable
from data.scope import Scope


def sensitivity(scope: Scope, con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """One choice of the method (contract Sensitivity), the one with the greatest share in the places first."""
    params: dict = {}
    r = readable(scope, params, s="sensitivity")
    return ask(con, f"SELECT * FROM {r['s']} AS s ORDER BY s.total DESC NULLS LAST, s.input", params)


def sensitivity_facts(scope: Scope, con: duckdb.DuckDBPyConnection) -> dict | None:
    """What changes over all variants (contract SensitivityFacts); None where too few units are rated."""
    params: dict = {}
    r = readable(scope, params, f="sensitivity_facts")
    rows = ask(con, f"SELECT * FROM {r['f']} AS f", params)
    return rows.row(0, named=True) if rows.height else None


def coherence(scope: Scope, con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """One number on how the parts of the index hang together (contract Coherence)."""
    params: dict = {}
    r = readable(scope, params, c="coherence")
    return ask(con, f"SELECT * FROM {r['c']} AS c ORDER BY c.measure, c.subindex, c.metric, c.other", params)


def validity(scope: Scope, con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """What two halves of the records say of each other (contract Validity)."""
    params: dict = {}
    r = readable(scope, params, v="validity")
    return ask(con, f"SELECT * FROM {r['v']} AS v ORDER BY v.measure DESC", params)


def audits(scope: Scope, con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """One measure of one group of estates beside all others (contract Audit)."""
    params: dict = {}
    r = readable(scope, params, a="audits")
    return ask(con, f"SELECT * FROM {r['a']} AS a ORDER BY a.measure, a.grouping, a.group", params)


def seasons(scope: Scope, con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """One calendar month of a metric whose exposure is weighted by the season (contract Season)."""
    params: dict = {}
    r = readable(scope, params, s="seasons")
    return ask(con, f"SELECT * FROM {r['s']} AS s WHERE s.applied ORDER BY s.metric, s.month", params)


def robust_share(scope: Scope, con: duckdb.DuckDBPyConnection, *, level: str, unit_id: str, period: str) -> dict | None:
    """In what share of the variants one unit lies below the pass mark, and where they place it (contract Robustness).

    None where the viewer may not see the unit, or the edition tried no variants for it (an earlier period, a spell that
    has ended, too few rated units).
    """
    params = {"level": level, "unit": unit_id, "period": period}
    r = readable(scope, params, b="robustness")
    rows = ask(
        con,
        f"SELECT * FROM {r['b']} AS b WHERE b.level = $level AND b.unit_id = $unit AND b.period = $period",
        params,
    )
    return rows.row(0, named=True) if rows.height else None
