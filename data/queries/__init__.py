"""Every question the pages ask. Each function reads ``(scope, con, ...)``: the scope decides which rows come back.

Ranks are stored at publication over everyone, then shown to those who may see them: restrict last. Values a person
typed always pass as ``$parameters``. A relation named in a query is always filtered by ``scope.where``.
"""

from __future__ import annotations

import duckdb
import polars as pl

from data.scope import Scope


def ask(con: duckdb.DuckDBPyConnection, sql: str, params: dict) -> pl.DataFrame:
    """Run one query; parameters it does not name are left out (DuckDB refuses them)."""
    used = {k: v for k, v in params.items() if f"${k}" in sql}
    return con.sql(sql, params=used).pl()


def readable(scope: Scope, params: dict, **relations: str) -> dict[str, str]:
    """Sub-selects of the rows the viewer may read, keyed by the alias given; adds the scope's parameters to ``params``.

    ``readable(scope, params, s="index_scores")`` gives ``{"s": "(SELECT * FROM index_scores WHERE ...)"}``.
    """
    found = {}
    for alias, relation in relations.items():
        seen = scope.where(relation)
        params |= seen.params
        found[alias] = f"(SELECT * FROM {relation} WHERE {seen.sql})"
    return found
