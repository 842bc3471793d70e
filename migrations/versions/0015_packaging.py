"""Exports with their packaging: container, splits, shards, bundle.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "exports",
        sa.Column("packaging", postgresql.JSONB(), server_default="{}", nullable=False),
    )
    # Files made before were lines; both formats are JSON lists of their own accord now.
    op.execute("UPDATE exports SET format = 'alpaca_jsonl' WHERE format = 'alpaca'")
    op.execute("""UPDATE exports SET packaging = '{"container": "jsonl"}' WHERE format = 'baize'""")


def downgrade() -> None:
    op.execute("UPDATE exports SET format = 'alpaca' WHERE format = 'alpaca_jsonl'")
    op.drop_column("exports", "packaging")
