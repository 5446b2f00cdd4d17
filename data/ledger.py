"""The ledger: what cannot be rebuilt. SQLite in WAL mode here; PostgreSQL by its URL, with the same schema.

Moments are stored and returned in UTC. Nothing here reads the clock: whoever writes says when. The schema below is what
the program expects; ``data/migrations`` leads any older ledger there, step by step, when it is opened.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from data.dialects import driver_url, prepare_postgresql, prepare_sqlite

FILE = "ledger.sqlite"
URL_VARIABLE = "STEWARD_LEDGER_URL"
#: In a PostgreSQL address: where the schema named after the folder belongs, so that one database holds several districts.
OF_FOLDER = "{folder}"
MIGRATIONS = Path(__file__).parent / "migrations"
NAME_LONGEST = 128  # characters of a person's name


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
    sa.Column("name_zh", sa.String(NAME_LONGEST), nullable=False),
    sa.Column("name_en", sa.String(NAME_LONGEST)),
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
    sa.Column("ended_by", sa.String(16)),  # sign_out, password, disabled, role, restore
    # The duty chosen by who has several; empty = the account's own.
    sa.Column("role", sa.String(16)),
    sa.Column("area_id", sa.String(64)),
    sa.Column("company_id", sa.String(64)),
)

#: The duties of a person who has several, in the order they are offered; who has one has none here.
account_roles = sa.Table(
    "account_roles",
    METADATA,
    sa.Column("account_id", sa.ForeignKey("accounts.account_id"), primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("area_id", sa.String(64)),
    sa.Column("company_id", sa.String(64)),
)

#: One attempt to sign in, by the name typed, whether or not such an account exists.
sign_in_attempts = sa.Table(
    "sign_in_attempts",
    METADATA,
    sa.Column("attempt_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("account_typed", sa.String(64), nullable=False),
    sa.Column("address", sa.String(64), nullable=False),
    sa.Column("tried_at", Moment, nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False),  # signed_in, refused, locked, demo, password_set,
    # service, not_vouched (by the office's own sign-in service)
    sa.Index("attempts_by_account", "account_typed", "tried_at"),
    sa.Index("attempts_by_address", "address", "tried_at"),
)

#: One thing done to an account, by a steward (``by``), a rule file or the person.
account_events = sa.Table(
    "account_events",
    METADATA,
    sa.Column("event_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("account_id", sa.String(64), nullable=False),
    # created, password_given, password_chosen, role_changed, role_chosen, role_taken, disabled, enabled, address_set,
    # address_removed, published
    sa.Column("what", sa.String(16), nullable=False),
    sa.Column("detail", sa.String(512), nullable=False),  # never a password
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Index("account_events_by_account", "account_id", "event_id"),
)

#: One case, as it was opened: who it is about and what was recommended. Never its state, which is a fold over its events.
cases = sa.Table(
    "cases",
    METADATA,
    sa.Column("case_id", sa.String(32), primary_key=True),
    sa.Column("party", sa.String(16), nullable=False),  # estate, head, company
    sa.Column("party_id", sa.String(128), nullable=False),
    sa.Column("estate_id", sa.String(128), index=True),
    sa.Column("company_id", sa.String(64), index=True),
    sa.Column("head_id", sa.String(128), index=True),
    sa.Column("period", sa.String(8), nullable=False),
    sa.Column("step", sa.String(16), nullable=False),  # the step the edition recommended
    sa.Column("matter", sa.String(128), nullable=False),  # of a case opened by hand: which matter; else empty
    sa.Column("edition", sa.String(64), nullable=False),
    sa.Column("opened_at", Moment, nullable=False),
    sa.UniqueConstraint("party", "party_id", "period", "step", "matter", name="one_case_per_recommendation"),
)

#: One thing that was done in a case. Rows are only added; each carries the hash of the one before it.
case_events = sa.Table(
    "case_events",
    METADATA,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),  # 1, 2, 3 ... through the whole ledger
    sa.Column("case_id", sa.ForeignKey("cases.case_id"), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),  # 1, 2, 3 ... within the case
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("edition", sa.String(64), nullable=False),
    sa.Column("law", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("facts", sa.Text, nullable=False),  # JSON, as it was hashed
    sa.Column("attachment", sa.ForeignKey("attachments.sha256")),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False, unique=True),
    sa.UniqueConstraint("case_id", "version", name="one_event_per_version"),
)

#: One row: where the chain of events ends. Writers take it in turn by locking it; a cut-off end shows against it.
chain = sa.Table(
    "chain",
    METADATA,
    sa.Column("chain_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)

#: One file handed in or frozen, under the hash of its bytes.
attachments = sa.Table(
    "attachments",
    METADATA,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(256), nullable=False),
    sa.Column("media_type", sa.String(128), nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
)

#: One paper made for a case: its number, and the code that finds it again.
papers = sa.Table(
    "papers",
    METADATA,
    sa.Column("check_code", sa.String(64), primary_key=True),
    sa.Column("case_id", sa.ForeignKey("cases.case_id"), nullable=False, index=True),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("year", sa.Integer, nullable=False),
    sa.Column("sequence", sa.Integer, nullable=False),
    sa.Column("number", sa.String(128), nullable=False),
    sa.Column("sha256_zh", sa.ForeignKey("attachments.sha256"), nullable=False),
    sa.Column("sha256_en", sa.ForeignKey("attachments.sha256"), nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.UniqueConstraint("kind", "year", "sequence", name="one_paper_per_number"),
)

#: One message to be sent once: put here in the same transaction as what it tells of.
outbox = sa.Table(
    "outbox",
    METADATA,
    sa.Column("message_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("key", sa.String(128), nullable=False, unique=True),  # the same matter told to the same address: once
    sa.Column("channel", sa.String(16), nullable=False),  # mail, webhook
    sa.Column("to", sa.String(512), nullable=False),
    sa.Column("subject", sa.String(512), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("due_at", Moment, nullable=False),  # not before; moves on after a failure
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("claimed_at", Moment),
    sa.Column("claimed_by", sa.String(64)),
    sa.Column("handed_over_at", Moment),  # the last word to the other side went out: it may have taken the message
    sa.Column("sent_at", Moment),
    sa.Column("unsure_at", Moment),  # nobody can tell whether it arrived; a person decides
    sa.Column("failed_at", Moment),  # given up
    sa.Column("error", sa.String(512)),
    sa.Column("account_id", sa.String(64)),  # whom it is for
    sa.Index("outbox_waiting", "sent_at", "due_at"),
)

#: One decision of a person about a message that nobody could tell had arrived, or that was given up.
outbox_decisions = sa.Table(
    "outbox_decisions",
    METADATA,
    sa.Column("decision_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("message_id", sa.ForeignKey("outbox.message_id"), nullable=False, index=True),
    sa.Column("what", sa.String(16), nullable=False),  # resend, arrived
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("at", Moment, nullable=False),
)

#: Where somebody's notices go; without a row they stand in the tasks page alone.
addresses = sa.Table(
    "addresses",
    METADATA,
    sa.Column("account_id", sa.ForeignKey("accounts.account_id"), primary_key=True),
    sa.Column("channel", sa.String(16), primary_key=True),
    sa.Column("to", sa.String(512), nullable=False),
)

#: One reading of a case file by one account on one day (kept 5 years: SZC 45).
case_readings = sa.Table(
    "case_readings",
    METADATA,
    sa.Column("case_id", sa.ForeignKey("cases.case_id"), primary_key=True),
    sa.Column("account_id", sa.String(64), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("first_at", Moment, nullable=False),
)

#: One reading of sensitive records of one party by one account, once a day for the same reason (rules/views.toml).
views = sa.Table(
    "views",
    METADATA,
    sa.Column("view_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("account_id", sa.String(64), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("record_table", sa.String(32), nullable=False),
    sa.Column(
        "estate_id", sa.String(128), nullable=False
    ),  # empty where the reading was of no one estate, company, head
    sa.Column("company_id", sa.String(64), nullable=False),
    sa.Column("head_id", sa.String(128), nullable=False),
    sa.Column("about", sa.String(128), nullable=False),  # a metric and period, or what was searched for
    sa.Column("how", sa.String(16), nullable=False),  # page, file
    sa.Column("reason", sa.Text, nullable=False),
    sa.Index("views_by_account", "account_id", "day"),
    sa.Index("views_by_company", "company_id", "view_id"),
)

#: One version of one mapping file that a person confirmed; the file itself lies in the folder ``mappings``.
mapping_files = sa.Table(
    "mapping_files",
    METADATA,
    sa.Column("mapping_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),  # 1, 2, 3 ... the newest is in use
    sa.Column("record_table", sa.String(32), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.UniqueConstraint("name", "version", name="one_mapping_per_version"),
)

#: Tables whose rows may be added and never changed or removed; the database itself refuses.
APPEND_ONLY = (
    "cases", "case_events", "attachments", "papers", "case_readings", "account_events", "outbox_decisions",
    "views", "mapping_files",
)  # fmt: skip


def schema_of(root: Path) -> str:
    """The PostgreSQL schema of a folder's ledger, where the address says ``{folder}``."""
    return "steward_" + hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:16]


def open_ledger(root: Path) -> sa.Engine:
    """Open the ledger below ``root`` (or at ``STEWARD_LEDGER_URL``) and lead its schema on where it is older.

    Raises:
        LedgerTooNew: a newer program has been at it.
    """
    if not os.environ.get(URL_VARIABLE):
        return open_file(root)
    engine = at_address(root)
    if _lacks_place(engine, root):
        with writing(engine) as con:
            con.execute(sa.schema.CreateSchema(schema_of(root), if_not_exists=True))
    _lead_on(engine)
    return engine


def open_file(root: Path) -> sa.Engine:
    """The ledger in the folder's own file, whatever the address says; led on as ``open_ledger`` does."""
    root.mkdir(parents=True, exist_ok=True)
    engine = _engine(f"sqlite:///{(root / FILE).resolve()}")
    _lead_on(engine)
    return engine


def at_address(root: Path) -> sa.Engine:
    """The database at ``STEWARD_LEDGER_URL`` as it stands: nothing is made or led on there."""
    return _engine(driver_url(os.environ[URL_VARIABLE].replace(OF_FOLDER, schema_of(root))))


def make(con: sa.Connection, root: Path) -> None:
    """Make the tables of a new ledger at ``STEWARD_LEDGER_URL``, as part of the caller's transaction."""
    if _lacks_place(con, root):
        con.execute(sa.schema.CreateSchema(schema_of(root), if_not_exists=True))
    command.upgrade(_migrations(con), "head")


def stands_at(con: sa.Connection) -> tuple[str | None, str | None]:
    """The schema's version there (none where there is no ledger), and the newest this program knows."""
    return _stands_at(con), ScriptDirectory.from_config(_migrations()).get_current_head()


def _engine(url: str) -> sa.Engine:
    engine = sa.create_engine(url, pool_pre_ping=True)
    (prepare_sqlite if engine.dialect.name == "sqlite" else prepare_postgresql)(engine)
    return engine


def _lacks_place(bind: sa.Engine | sa.Connection, root: Path) -> bool:
    """Does the address name a schema of the folder that is not there yet?"""
    return OF_FOLDER in os.environ[URL_VARIABLE] and not sa.inspect(bind).has_schema(schema_of(root))


class LedgerTooNew(ValueError):
    """The ledger's schema is one this program does not know."""


def _migrations(con: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = con
    return config


def _stands_at(con: sa.Connection) -> str | None:
    return MigrationContext.configure(con).get_current_revision()


def _lead_on(engine: sa.Engine) -> None:
    """Apply the migrations that are missing, all or none, one process at a time."""
    scripts = ScriptDirectory.from_config(_migrations())
    newest = scripts.get_current_head()
    with engine.connect() as con:
        stands = _stands_at(con)
    if stands == newest:
        return
    if stands and stands not in {s.revision for s in scripts.walk_revisions()}:
        raise LedgerTooNew(
            f"The ledger stands at '{stands}', which this program does not know; its newest is '{newest}'. "
            "A newer program has been at it. Start that one, or restore the backup made before it."
        )
    with writing(engine) as con:
        command.upgrade(_migrations(con), "head")


def writing(ledger: sa.Engine) -> AbstractContextManager[sa.Connection]:
    """A transaction that writes: all of it or nothing, after any other writer."""
    return ledger.execution_options(writes=True).begin()
