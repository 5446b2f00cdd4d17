"""The ledger: what cannot be rebuilt. SQLite in WAL mode here; another database by its URL, with the same schema.

Moments are stored and returned in UTC. Nothing here reads the clock: whoever writes says when.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import event

FILE = "ledger.sqlite"
URL_VARIABLE = "STEWARD_LEDGER_URL"
BUSY_TIMEOUT_MS = 10_000  # how long a writer waits for another before it gives up


class Moment(sa.types.TypeDecorator):
    """A moment in UTC; refuses one without a zone, which would be somebody's local time."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone, so the ledger cannot order it. Give a moment with its zone.")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


METADATA = sa.MetaData()

#: One person who may sign in.
accounts = sa.Table(
    "accounts",
    METADATA,
    sa.Column("account_id", sa.String(64), primary_key=True),
    sa.Column("name_zh", sa.String(128), nullable=False),
    sa.Column("name_en", sa.String(128)),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("area_id", sa.String(64)),
    sa.Column("company_id", sa.String(64)),
    sa.Column("language", sa.String(2), nullable=False),
    sa.Column("password_hash", sa.String(256)),  # empty = no password yet: the form refuses
    sa.Column("demo", sa.Boolean, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("password_set_at", Moment),
    sa.Column("disabled_at", Moment),
)

#: One stay of one person; only the SHA-256 of its token is kept.
sessions = sa.Table(
    "sessions",
    METADATA,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column("account_id", sa.ForeignKey("accounts.account_id"), nullable=False, index=True),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),  # to the minute: see data/sessions.py
    sa.Column("ended_at", Moment),
    sa.Column("ended_by", sa.String(16)),  # sign_out, password, disabled
)

#: One attempt to sign in, by the name typed, whether or not such an account exists.
sign_in_attempts = sa.Table(
    "sign_in_attempts",
    METADATA,
    sa.Column("attempt_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("account_typed", sa.String(64), nullable=False),
    sa.Column("address", sa.String(64), nullable=False),
    sa.Column("tried_at", Moment, nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False),  # signed_in, refused, locked, demo, password_set
    sa.Index("attempts_by_account", "account_typed", "tried_at"),
    sa.Index("attempts_by_address", "address", "tried_at"),
)

#: One thing done to an account, by a steward (``by``), a rule file or the person.
account_events = sa.Table(
    "account_events",
    METADATA,
    sa.Column("event_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("account_id", sa.String(64), nullable=False),
    # created, password_given, password_chosen, role_changed, role_taken, disabled, enabled
    sa.Column("what", sa.String(16), nullable=False),
    sa.Column("detail", sa.String(512), nullable=False),  # never a password
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Index("account_events_by_account", "account_id", "event_id"),
)


def _prepare_sqlite(engine: sa.Engine) -> None:
    """WAL, enforced keys, patience, full flushes; a writer takes its place before it reads."""

    @event.listens_for(engine, "connect")
    def on_connect(dbapi, _record):  # SQLAlchemy calls it
        dbapi.isolation_level = None  # transactions are begun below, not by the driver
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}", "journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL",
        ):  # fmt: skip
            dbapi.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def on_begin(con):
        if con.get_execution_options().get("writes"):  # every read here is one statement and needs no transaction
            con.exec_driver_sql("BEGIN IMMEDIATE")


def open_ledger(root: Path) -> sa.Engine:
    """Open the ledger below ``root`` (or at ``STEWARD_LEDGER_URL``); tables are made where missing."""
    url = os.environ.get(URL_VARIABLE)
    if not url:
        root.mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{(root / FILE).resolve()}"
    engine = sa.create_engine(url)
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    METADATA.create_all(engine.execution_options(writes=True))
    return engine


def writing(ledger: sa.Engine) -> AbstractContextManager[sa.Connection]:
    """A transaction that writes: all of it or nothing, after any other writer."""
    return ledger.execution_options(writes=True).begin()
