"""Accounts, stays, attempts to sign in, what was done to an account.

Ledgers made before there were migrations hold some of these tables already: what is missing is made, the rest is left.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "accounts_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    held = set(sa.inspect(op.get_bind()).get_table_names())
    for name, make in MAKE.items():
        if name not in held:
            make()


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("account_id", sa.String(64), primary_key=True),
        sa.Column("name_zh", sa.String(128), nullable=False),
        sa.Column("name_en", sa.String(128)),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("area_id", sa.String(64)),
        sa.Column("company_id", sa.String(64)),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("password_hash", sa.String(256)),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("password_set_at", sa.DateTime()),
        sa.Column("disabled_at", sa.DateTime()),
    )


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String(64), primary_key=True),
        sa.Column("account_id", sa.String(64), sa.ForeignKey("accounts.account_id"), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("seen_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime()),
        sa.Column("ended_by", sa.String(16)),
    )
    op.create_index("ix_sessions_account_id", "sessions", ["account_id"])


def _sign_in_attempts() -> None:
    op.create_table(
        "sign_in_attempts",
        sa.Column("attempt_id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("account_typed", sa.String(64), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("tried_at", sa.DateTime(), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
    )
    op.create_index("attempts_by_account", "sign_in_attempts", ["account_typed", "tried_at"])
    op.create_index("attempts_by_address", "sign_in_attempts", ["address", "tried_at"])


def _account_events() -> None:
    op.create_table(
        "account_events",
        sa.Column("event_id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("account_id", sa.String(64), nullable=False),
        sa.Column("what", sa.String(16), nullable=False),
        sa.Column("detail", sa.String(512), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
    )
    op.create_index("account_events_by_account", "account_events", ["account_id", "event_id"])


MAKE = {
    "accounts": _accounts,
    "sessions": _sessions,
    "sign_in_attempts": _sign_in_attempts,
    "account_events": _account_events,
}
