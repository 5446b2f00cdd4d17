"""Cases, their events in one chain, what was handed in, papers, messages, readings; and no row of a record changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "cases_0002"
down_revision = "accounts_0001"
branch_labels = None
depends_on = None

APPEND_ONLY = ("cases", "case_events", "attachments", "papers", "case_readings", "account_events")
SAYS = "rows of this table may be added, never changed or removed"
GENESIS = "0" * 64


def upgrade() -> None:
    _cases()
    _papers()
    _messages()
    op.get_bind().execute(sa.text("INSERT INTO chain VALUES (1, 0, :hash)"), {"hash": GENESIS})
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION steward_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '%: {SAYS}', TG_TABLE_NAME; END $$"
        )
    for table in APPEND_ONLY:
        _close(table)


def _close(table: str) -> None:
    """Let the database itself refuse to change or remove a row."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {table}_stays BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION steward_refuse()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_whole BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION steward_refuse()"
        )
        return
    for what in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{what.lower()} BEFORE {what} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table}: {SAYS}'); END"
        )


def _cases() -> None:
    op.create_table(
        "attachments",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(256), nullable=False),
        sa.Column("media_type", sa.String(128), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "cases",
        sa.Column("case_id", sa.String(32), primary_key=True),
        sa.Column("party", sa.String(16), nullable=False),
        sa.Column("party_id", sa.String(128), nullable=False),
        sa.Column("estate_id", sa.String(128)),
        sa.Column("company_id", sa.String(64)),
        sa.Column("head_id", sa.String(128)),
        sa.Column("period", sa.String(8), nullable=False),
        sa.Column("step", sa.String(16), nullable=False),
        sa.Column("matter", sa.String(128), nullable=False),
        sa.Column("edition", sa.String(64), nullable=False),
        sa.Column("opened_at", sa.DateTime(), nullable=False),
        sa.UniqueConstraint("party", "party_id", "period", "step", "matter", name="one_case_per_recommendation"),
    )
    op.create_index("ix_cases_company_id", "cases", ["company_id"])
    op.create_index("ix_cases_estate_id", "cases", ["estate_id"])
    op.create_index("ix_cases_head_id", "cases", ["head_id"])
    op.create_table(
        "case_events",
        sa.Column("seq", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("case_id", sa.String(32), sa.ForeignKey("cases.case_id"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("edition", sa.String(64), nullable=False),
        sa.Column("law", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("attachment", sa.String(64), sa.ForeignKey("attachments.sha256")),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
        sa.UniqueConstraint("case_id", "version", name="one_event_per_version"),
    )
    op.create_table(
        "chain",
        sa.Column("chain_id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )


def _papers() -> None:
    op.create_table(
        "papers",
        sa.Column("check_code", sa.String(64), primary_key=True),
        sa.Column("case_id", sa.String(32), sa.ForeignKey("cases.case_id"), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(128), nullable=False),
        sa.Column("sha256_zh", sa.String(64), sa.ForeignKey("attachments.sha256"), nullable=False),
        sa.Column("sha256_en", sa.String(64), sa.ForeignKey("attachments.sha256"), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.UniqueConstraint("kind", "year", "sequence", name="one_paper_per_number"),
    )
    op.create_index("ix_papers_case_id", "papers", ["case_id"])
    op.create_table(
        "case_readings",
        sa.Column("case_id", sa.String(32), sa.ForeignKey("cases.case_id"), primary_key=True),
        sa.Column("account_id", sa.String(64), primary_key=True),
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("first_at", sa.DateTime(), nullable=False),
    )


def _messages() -> None:
    op.create_table(
        "outbox",
        sa.Column("message_id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(128), nullable=False, unique=True),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("to", sa.String(512), nullable=False),
        sa.Column("subject", sa.String(512), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claimed_at", sa.DateTime()),
        sa.Column("claimed_by", sa.String(64)),
        sa.Column("handed_over_at", sa.DateTime()),
        sa.Column("sent_at", sa.DateTime()),
        sa.Column("unsure_at", sa.DateTime()),
        sa.Column("failed_at", sa.DateTime()),
        sa.Column("error", sa.String(512)),
    )
    op.create_index("outbox_waiting", "outbox", ["sent_at", "due_at"])
    op.create_table(
        "addresses",
        sa.Column("account_id", sa.String(64), sa.ForeignKey("accounts.account_id"), primary_key=True),
        sa.Column("channel", sa.String(16), primary_key=True),
        sa.Column("to", sa.String(512), nullable=False),
    )
