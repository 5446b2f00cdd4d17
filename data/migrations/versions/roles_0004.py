"""More than one duty for a person: what they may be, and what they came as."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "roles_0004"
down_revision = "outbox_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account_roles",
        sa.Column("account_id", sa.String(64), sa.ForeignKey("accounts.account_id"), primary_key=True),
        sa.Column("place", sa.Integer(), primary_key=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("area_id", sa.String(64)),
        sa.Column("company_id", sa.String(64)),
    )
    for column in ("role", "area_id", "company_id"):
        op.add_column("sessions", sa.Column(column, sa.String(16 if column == "role" else 64)))
