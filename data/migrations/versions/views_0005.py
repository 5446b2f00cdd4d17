"""Who read which sensitive records; and attempts to sign in and stays can be told on, never rewritten or removed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "views_0005"
down_revision = "roles_0004"
branch_labels = None
depends_on = None

SAYS = "rows of this table may be added, never changed or removed"
#: What of a row may still be told: how an attempt came out, that a stay was seen, that it ended. Nothing twice.
STAYS = {
    "sign_in_attempts": "NEW.attempt_id <> OLD.attempt_id OR NEW.account_typed <> OLD.account_typed "
    "OR NEW.address <> OLD.address OR NEW.tried_at <> OLD.tried_at OR OLD.outcome <> 'refused'",
    "sessions": "NEW.token_hash <> OLD.token_hash OR NEW.account_id <> OLD.account_id OR NEW.started_at <> OLD.started_at "
    "OR OLD.ended_at IS NOT NULL",
}


def upgrade() -> None:
    op.create_table(
        "views",
        sa.Column("view_id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("account_id", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("record_table", sa.String(32), nullable=False),
        sa.Column("estate_id", sa.String(128), nullable=False),
        sa.Column("company_id", sa.String(64), nullable=False),
        sa.Column("head_id", sa.String(128), nullable=False),
        sa.Column("about", sa.String(128), nullable=False),
        sa.Column("how", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
    )
    op.create_index("views_by_account", "views", ["account_id", "day"])
    op.create_index("views_by_company", "views", ["company_id", "view_id"])
    if op.get_bind().dialect.name == "postgresql":  # steward_refuse() came with cases_0002
        _close_postgresql()
    else:
        _close_sqlite()


def _close_postgresql() -> None:
    refuse = "EXECUTE FUNCTION steward_refuse()"
    op.execute(f"CREATE TRIGGER views_stays BEFORE UPDATE OR DELETE ON views FOR EACH ROW {refuse}")
    op.execute(f"CREATE TRIGGER views_whole BEFORE TRUNCATE ON views FOR EACH STATEMENT {refuse}")
    for table, changed in STAYS.items():
        op.execute(f"CREATE TRIGGER {table}_stays BEFORE DELETE ON {table} FOR EACH ROW {refuse}")
        op.execute(f"CREATE TRIGGER {table}_whole BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {refuse}")
        op.execute(f"CREATE TRIGGER {table}_told BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({changed}) {refuse}")


def _close_sqlite() -> None:
    for table, changed in {"views": "true", **STAYS}.items():
        refuse = f"BEGIN SELECT RAISE(ABORT, '{table}: {SAYS}'); END"
        op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} WHEN {changed} {refuse}")
        op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}")
