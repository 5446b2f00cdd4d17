"""Mapping files that a person confirmed: who, when, why, and the hash of each version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "mappings_0006"
down_revision = "views_0005"
branch_labels = None
depends_on = None

SAYS = "rows of this table may be added, never changed or removed"


def upgrade() -> None:
    op.create_table(
        "mapping_files",
        sa.Column("mapping_id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("record_table", sa.String(32), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.UniqueConstraint("name", "version", name="one_mapping_per_version"),
    )
    if op.get_bind().dialect.name == "postgresql":  # steward_refuse() came with cases_0002
        refuse = "EXECUTE FUNCTION steward_refuse()"
        op.execute(f"CREATE TRIGGER mapping_files_stays BEFORE UPDATE OR DELETE ON mapping_files FOR EACH ROW {refuse}")
        op.execute(f"CREATE TRIGGER mapping_files_whole BEFORE TRUNCATE ON mapping_files FOR EACH STATEMENT {refuse}")
        return
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER mapping_files_no_{act.lower()} BEFORE {act} ON mapping_files "
            f"BEGIN SELECT RAISE(ABORT, 'mapping_files: {SAYS}'); END"
        )
