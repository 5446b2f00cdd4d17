"""Whom a message is for, and what a person decided about one nobody could tell had arrived."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "outbox_0003"
down_revision = "cases_0002"
branch_labels = None
depends_on = None

TABLE = "outbox_decisions"
SAYS = "rows of this table may be added, never changed or removed"


def upgrade() -> None:
    op.add_column("outbox", sa.Column("account_id", sa.String(64)))
    op.create_table(
        TABLE,
        sa.Column("decision_id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("message_id", sa.Integer(), sa.ForeignKey("outbox.message_id"), nullable=False),
        sa.Column("what", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
    )
    op.create_index("ix_outbox_decisions_message_id", TABLE, ["message_id"])
    if op.get_bind().dialect.name == "postgresql":  # steward_refuse() came with cases_0002
        op.execute(
            f"CREATE TRIGGER {TABLE}_stays BEFORE UPDATE OR DELETE ON {TABLE} "
            "FOR EACH ROW EXECUTE FUNCTION steward_refuse()"
        )
        op.execute(
            f"CREATE TRIGGER {TABLE}_whole BEFORE TRUNCATE ON {TABLE} "
            "FOR EACH STATEMENT EXECUTE FUNCTION steward_refuse()"
        )
        return
    for what in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {TABLE}_no_{what.lower()} BEFORE {what} ON {TABLE} "
            f"BEGIN SELECT RAISE(ABORT, '{TABLE}: {SAYS}'); END"
        )
