"""No answer depends on a row its reader may not read: each query is asked of the whole edition and of the readable rows alone.

An id or a name in an answer can be searched for (``test_queries.py``); a count or a mean taken over strangers too says nobody's
name. Both answers must be the same, so a rank, a total, an average or a yes that knows more than its reader is found as well.
"""

from __future__ import annotations

from typing import Any

import duckdb
import polars as pl
import pytest

from data.queries import ask
from data.scope import WHO_READS, Scope
from tests.data.querying import HELPERS, ON_RECORDS, QUERIES, Town, arguments, build

ROLES = ("subdistrict", "station", "manager")
ON_EDITION = sorted(name for name in set(QUERIES) - HELPERS - ON_RECORDS if "._" not in name)
DIGITS = 9  # sums of the same numbers in another order differ in the sixteenth


def cut(con: duckdb.DuckDBPyConnection, scope: Scope) -> duckdb.DuckDBPyConnection:
    """A copy of the edition with nothing in it but the rows this viewer may read."""
    held = con.sql("SELECT DISTINCT table_name FROM information_schema.tables").pl()["table_name"]
    alone = duckdb.connect()
    for relation in sorted(set(held) & set(WHO_READS)):
        try:
            seen = scope.where(relation)
        except PermissionError:
            rows = con.sql(f"SELECT * FROM {relation} LIMIT 0").to_arrow_table()
        else:
            rows = con.sql(f"SELECT * FROM {relation} WHERE {seen.sql}", params=seen.params).to_arrow_table()
        alone.register("rows_read", rows)
        alone.execute(f"CREATE TABLE {relation} AS FROM rows_read")
        alone.unregister("rows_read")
    return alone


@pytest.fixture(scope="module")
def town(demo_root, tmp_path_factory) -> Town:
    return build(demo_root, tmp_path_factory.mktemp("cases"))


@pytest.fixture(scope="module")
def readable(town) -> dict[str, duckdb.DuckDBPyConnection]:
    return {role: cut(town.con, town.scopes[role]) for role in ROLES}


def answered(f, scope: Scope, con: duckdb.DuckDBPyConnection, asked: dict) -> Any:
    try:
        answer = f(scope, con, **asked)
    except PermissionError:
        return "refused"
    if isinstance(answer, pl.DataFrame):
        return answer.with_columns(pl.selectors.float().round(DIGITS)).to_dicts()
    if isinstance(answer, dict):
        return {k: round(v, DIGITS) if isinstance(v, float) else v for k, v in answer.items()}
    return answer


@pytest.mark.parametrize("role", ROLES)
def test_the_readable_rows_are_some_and_not_all(town, readable, role):
    """Otherwise the next test would compare an edition with itself, or with nothing."""
    for relation in ("estates", "evidence", "index_scores", "company_scores"):
        whole, own = (c.sql(f"SELECT * FROM {relation}").pl().height for c in (town.con, readable[role]))
        assert 0 < own < whole, relation


@pytest.mark.parametrize("level", ["estate", "tenure"])
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", ON_EDITION)
def test_an_answer_is_the_same_where_only_the_readable_rows_are(town, readable, name, role, level):
    scope, f = town.scopes[role], QUERIES[name]
    for of in (town.own[role], town.foreign[role]):
        asked = arguments(town, f, of["estates"], of["companies"], role, level)
        whole = answered(f, scope, town.con, asked)
        assert whole == answered(f, scope, readable[role], asked), f"{name} tells the {role} what others' rows say"


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "sql",
    ["SELECT count(*) AS n FROM estates", "SELECT avg(final) AS mean FROM index_scores WHERE level = 'estate'",
     "SELECT min(final) AS worst, max(final) AS best, max(rank) AS places FROM company_scores WHERE party = 'company'"],
)  # fmt: skip
def test_a_total_that_forgot_its_scope_is_found(town, readable, role, sql):
    """The detector itself: numbers without a name in them, taken over everybody."""
    whole, own = (ask(con, sql, {}).to_dicts() for con in (town.con, readable[role]))
    assert whole != own
