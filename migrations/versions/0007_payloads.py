"""Candidates with what came along, their parents, rows that are dialogues, proposals without calls.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("candidates", "slot_id", existing_type=sa.UUID(), nullable=True)
    op.add_column("candidates", sa.Column("instances", postgresql.JSONB(), nullable=True))
    op.add_column("candidates", sa.Column("facts", postgresql.JSONB(), nullable=True))
    op.add_column("candidates", sa.Column("parent_id", sa.UUID(), nullable=True))
    op.alter_column("rows", "slot_id", existing_type=sa.UUID(), nullable=True)
    op.add_column("rows", sa.Column("messages", postgresql.JSONB(), nullable=True))
    op.add_column("rows", sa.Column("facts", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    op.execute("DELETE FROM rows WHERE slot_id IS NULL")
    op.execute("DELETE FROM candidates WHERE slot_id IS NULL")
    op.drop_column("rows", "facts")
    op.drop_column("rows", "messages")
    op.alter_column("rows", "slot_id", existing_type=sa.UUID(), nullable=False)
    op.drop_column("candidates", "parent_id")
    op.drop_column("candidates", "facts")
    op.drop_column("candidates", "instances")
    op.alter_column("candidates", "slot_id", existing_type=sa.UUID(), nullable=False)
