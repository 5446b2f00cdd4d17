"""The outbox as the steward sees it: what waits, went out, was given up, or waits for a person. Bodies are not shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import duckdb
import polars as pl
import sqlalchemy as sa

from data.ledger import accounts, outbox, outbox_decisions
from data.scope import Scope

STATES = ("unsure", "failed", "waiting", "under_way", "sent")  # what asks for a person first
_STATE = sa.case(
    (outbox.c.sent_at.is_not(None), "sent"),
    (outbox.c.failed_at.is_not(None), "failed"),
    (outbox.c.unsure_at.is_not(None), "unsure"),
    (outbox.c.claimed_at.is_not(None), "under_way"),
    else_="waiting",
)
_SINCE = sa.func.coalesce(
    outbox.c.sent_at, outbox.c.failed_at, outbox.c.unsure_at, outbox.c.claimed_at, outbox.c.made_at
)
COLUMNS: dict[str, Any] = {
    "message_id": pl.Int64, "state": pl.String, "since": pl.Datetime(time_zone="UTC"), "account_id": pl.String,
    "name_zh": pl.String, "name_en": pl.String, "channel": pl.String, "to": pl.String, "subject": pl.String,
    "made_at": pl.Datetime(time_zone="UTC"), "due_at": pl.Datetime(time_zone="UTC"), "attempts": pl.Int64,
    "error": pl.String,
}  # fmt: skip
DECISIONS: dict[str, Any] = {
    "at": pl.Datetime(time_zone="UTC"), "by": pl.String, "name_zh": pl.String, "name_en": pl.String, "what": pl.String,
    "reason": pl.String,
}  # fmt: skip


def outbox_counts(scope: Scope, con: duckdb.DuckDBPyConnection | None, ledger: sa.Engine) -> dict[str, int]:
    """How many messages there are in each of ``STATES``."""
    scope.require("steward")
    query = sa.select(_STATE.label("state"), sa.func.count().label("n")).group_by(_STATE)
    with ledger.connect() as ledger_con:
        found = {row.state: row.n for row in ledger_con.execute(query)}
    return {state: found.get(state, 0) for state in STATES}


def outbox_rows(
    scope: Scope, con: duckdb.DuckDBPyConnection | None, ledger: sa.Engine, *, state: str | None = None,
    limit: int = 50, offset: int = 0,
) -> pl.DataFrame:  # fmt: skip
    """One message, newest change first: columns as in ``COLUMNS``."""
    scope.require("steward")
    since = _SINCE.label("since")
    own = {"state": _STATE.label("state"), "since": since, "name_zh": accounts.c.name_zh, "name_en": accounts.c.name_en}
    query = (
        sa.select(*(own[name] if name in own else outbox.c[name] for name in COLUMNS))
        .join(accounts, accounts.c.account_id == outbox.c.account_id, isouter=True)
        .where(_STATE.in_([state] if state else STATES))
        .order_by(since.desc(), outbox.c.message_id.desc())
        .limit(limit)
        .offset(offset)
    )
    return _frame(ledger, query, COLUMNS)


def outbox_late(
    scope: Scope, con: duckdb.DuckDBPyConnection | None, ledger: sa.Engine, *, channels: Sequence[str], at: datetime
) -> int:
    """Messages on some channels that were due before a moment and that nobody has taken up."""
    scope.require("steward")
    query = sa.select(sa.func.count()).where(_STATE == "waiting", outbox.c.channel.in_(channels), outbox.c.due_at < at)
    with ledger.connect() as ledger_con:
        return ledger_con.execute(query).scalar_one()


def outbox_decided(
    scope: Scope, con: duckdb.DuckDBPyConnection | None, ledger: sa.Engine, *, limit: int = 50
) -> pl.DataFrame:
    """One decision of a person about a message, newest first: columns as in ``DECISIONS``."""
    scope.require("steward")
    own = {"name_zh": accounts.c.name_zh, "name_en": accounts.c.name_en}
    query = (
        sa.select(*(own[name] if name in own else outbox_decisions.c[name] for name in DECISIONS))
        .join(accounts, accounts.c.account_id == outbox_decisions.c.by, isouter=True)
        .order_by(outbox_decisions.c.decision_id.desc())
        .limit(limit)
    )
    return _frame(ledger, query, DECISIONS)


def _frame(ledger: sa.Engine, query: sa.Select, schema: dict[str, Any]) -> pl.DataFrame:
    with ledger.connect() as ledger_con:
        rows = [dict(r) for r in ledger_con.execute(query).mappings()]
    return pl.DataFrame(rows, schema=schema, orient="row")
