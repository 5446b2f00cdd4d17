"""The view log and the sign-in log, read by the steward; the view log also by the party it concerns where the rule says so."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import duckdb
import polars as pl
import sqlalchemy as sa

from data.ledger import accounts, sessions, sign_in_attempts, views
from data.queries import ask, readable
from data.queries.files import EVIDENCE_KEY
from data.scope import Scope
from data.sessions import ABSOLUTE_LIMIT, IDLE_LIMIT
from data.views import rule_on

MOMENT = pl.Datetime(time_zone="UTC")
VIEWS: dict[str, Any] = {
    "at": MOMENT, "account_id": pl.String, "name_zh": pl.String, "name_en": pl.String, "role": pl.String,
    "record_table": pl.String, "estate_id": pl.String, "company_id": pl.String, "head_id": pl.String, "about": pl.String,
    "how": pl.String, "reason": pl.String, "total": pl.Int64,
}  # fmt: skip
FOR_THE_PARTY = (
    "at",
    "role",
    "record_table",
    "estate_id",
    "head_id",
    "how",
    "total",
)  # which duty, not whose name or why
SIGN_INS: dict[str, Any] = {
    "at": MOMENT, "account_id": pl.String, "name_zh": pl.String, "name_en": pl.String, "what": pl.String,
    "address": pl.String, "total": pl.Int64,
}  # fmt: skip
#: Kinds of entries of the sign-in log.
KINDS = (
    "signed_in", "refused", "locked", "service", "not_vouched", "demo", "sign_out", "idle", "limit", "password", "role",
    "disabled", "restore",
)  # fmt: skip


def parties(
    scope: Scope, con: duckdb.DuckDBPyConnection, *, level: str, unit_id: str, metric: str, period: str
) -> pl.DataFrame:
    """Whose records ``files.evidence`` shows: record_table, estate_id, company_id ("" = run by nobody)."""
    params = {"unit": unit_id, "metric": metric, "period": period}
    r = readable(scope, params, v="evidence", m="management", p="periods")
    return ask(
        con,
        f"""
        SELECT DISTINCT v.record_table, v.estate_id, coalesce(m.company_id, '') AS company_id
        FROM {r["v"]} AS v JOIN {r["p"]} AS p ON p.period = $period LEFT JOIN {r["m"]} AS m ON m.unit_id = v.unit_id
        WHERE v.metric = $metric AND v.{EVIDENCE_KEY[level]} = $unit
          AND v.decided_on < p."end" AND v.decided_on >= p."end" - INTERVAL 36 MONTH
        ORDER BY ALL
        """,
        params,
    )


def heads_of_estate(scope: Scope, con: duckdb.DuckDBPyConnection, *, estate_id: str) -> pl.DataFrame:
    """The office heads whose names ``files.tenures`` shows: estate_id, company_id, head_id."""
    params = {"estate": estate_id}
    r = readable(scope, params, t="tenures", h="office_heads")
    return ask(
        con,
        f"SELECT DISTINCT t.estate_id, t.company_id, t.head_id FROM {r['t']} AS t JOIN {r['h']} AS h USING (head_id) "
        "WHERE t.estate_id = $estate ORDER BY ALL",
        params,
    )


def names(scope: Scope, con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """One estate, company or office head the viewer may know: kind, id, name_zh, name_en (the newest name)."""
    scope.require("steward", "manager")
    params: dict = {}
    r = readable(scope, params, e="estates", c="companies", h="office_heads")
    return ask(
        con,
        f"""
        SELECT 'estate' AS kind, estate_id AS id, arg_max(name_zh, period) AS name_zh, arg_max(name_en, period) AS name_en
        FROM {r["e"]} AS e GROUP BY estate_id
        UNION ALL SELECT 'company', company_id, name_zh, name_en FROM {r["c"]} AS c
        UNION ALL SELECT 'head', head_id, name_zh, name_en FROM {r["h"]} AS h
        ORDER BY ALL
        """,
        params,
    )


def view_log(
    scope: Scope, con: duckdb.DuckDBPyConnection | None, ledger: sa.Engine, *, at: datetime, table: str | None = None,
    limit: int = 50, offset: int = 0,
) -> pl.DataFrame:  # fmt: skip
    """One reading of sensitive records, newest first.

    The steward: columns as in ``VIEWS``. A manager: of records of the own company that the rule in force at ``at`` lets the
    party know of, columns ``FOR_THE_PARTY``.
    """
    scope.require("steward", "manager")
    where = [views.c.record_table == table] if table else []
    if scope.role == "manager":
        told = [name for name, asked in rule_on(at.date())["tables"].items() if asked["party"]]
        where += [views.c.company_id == scope.company_id, views.c.record_table.in_(told)]
    own = {"name_zh": accounts.c.name_zh, "name_en": accounts.c.name_en, "total": sa.func.count().over()}
    query = (
        sa.select(*((own[name].label(name) if name in own else views.c[name]) for name in VIEWS))
        .join(accounts, accounts.c.account_id == views.c.account_id, isouter=True)
        .where(*where)
        .order_by(views.c.view_id.desc())
        .limit(limit)
        .offset(offset)
    )
    rows = _frame(ledger, query, VIEWS)
    return rows.select(FOR_THE_PARTY) if scope.role == "manager" else rows


def sign_in_log(
    scope: Scope, con: duckdb.DuckDBPyConnection | None, ledger: sa.Engine, *, at: datetime, state: str | None = None,
    search: str = "", limit: int = 50, offset: int = 0,
) -> pl.DataFrame:  # fmt: skip
    """One attempt to sign in or one end of a stay, newest first: columns as in ``SIGN_INS``, ``what`` one of ``KINDS``.

    A stay that ran into a limit before ``at`` ended when it did, whoever looked or not.
    """
    scope.require("steward")
    events = _sign_ins(at).subquery()
    where = [events.c.what == state] if state else []
    where += [events.c.account_id.contains(search.strip().lower(), autoescape=True)] if search.strip() else []
    own = {"name_zh": accounts.c.name_zh, "name_en": accounts.c.name_en, "total": sa.func.count().over()}
    query = (
        sa.select(*((own[name].label(name) if name in own else events.c[name]) for name in SIGN_INS))
        .join(accounts, accounts.c.account_id == events.c.account_id, isouter=True)
        .where(*where)
        .order_by(events.c.at.desc(), events.c.account_id, events.c.what)
        .limit(limit)
        .offset(offset)
    )
    return _frame(ledger, query, SIGN_INS)


def _sign_ins(at: datetime) -> sa.CompoundSelect:
    """Attempts, stays that were ended, stays that ran out: at, account_id, what, address."""
    tried = sa.select(
        sign_in_attempts.c.tried_at.label("at"), sign_in_attempts.c.account_typed.label("account_id"),
        sign_in_attempts.c.outcome.label("what"), sign_in_attempts.c.address,
    ).where(sign_in_attempts.c.outcome != "password_set")  # fmt: skip
    ended = sa.select(
        sessions.c.ended_at, sessions.c.account_id, sessions.c.ended_by, sa.literal("").label("address")
    ).where(sessions.c.ended_at.is_not(None))
    still = sessions.c.ended_at.is_(None)
    # A whole day's limit comes first where the person was still there an idle limit before it.
    old, idle = sessions.c.started_at <= at - ABSOLUTE_LIMIT, sessions.c.seen_at <= at - IDLE_LIMIT
    run_out = (
        sa.select(sessions.c.seen_at, sessions.c.account_id, what, sa.literal("").label("address")).where(still, over)
        for what, over in (
            (sa.literal("idle"), idle & ~old), (sa.literal("limit"), old),
        )
    )  # fmt: skip
    return sa.union_all(tried, ended, *run_out)


def _frame(ledger: sa.Engine, query: sa.Select, schema: dict[str, Any]) -> pl.DataFrame:
    with ledger.connect() as con:
        return pl.DataFrame([dict(row) for row in con.execute(query).mappings()], schema=schema)
