"""How each of the ledger's two databases is opened, so that it keeps the promises of ``data/ledger.py``."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import event

WRITING = 0x57E7A2D  # PostgreSQL's lock while somebody writes; any number that nobody else uses in this database
BUSY_TIMEOUT_MS = 10_000  # how long a writer waits for another before it gives up


def prepare_sqlite(engine: sa.Engine) -> None:
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


def prepare_postgresql(engine: sa.Engine) -> None:
    """One writer at a time, as in SQLite: what was read in a transaction still holds when it writes."""

    @event.listens_for(engine, "begin")
    def on_begin(con):
        if con.get_execution_options().get("writes"):
            con.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITING}, hashtext(coalesce(current_schema(), '')))")


def driver_url(url: str) -> str:
    """A PostgreSQL address as people write it, with the driver this program brings.

    >>> driver_url("postgresql://steward@db/ledger")
    'postgresql+psycopg://steward@db/ledger'
    """
    for plain in ("postgresql://", "postgres://"):
        if url.startswith(plain):
            return "postgresql+psycopg://" + url.removeprefix(plain)
    return url
