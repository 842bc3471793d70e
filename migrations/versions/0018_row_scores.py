"""Scores that judging jobs give to rows.

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "row_scores",
        sa.Column("row_id", sa.UUID(), nullable=False),
        sa.Column("judge_job_id", sa.UUID(), nullable=False),
        sa.Column("overall", sa.Double(), nullable=False),
        sa.Column("scores", postgresql.JSONB(), nullable=False),
        sa.Column("slot_id", sa.UUID(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["row_id"], ["rows.id"], name="fk_row_scores_row_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["judge_job_id"], ["jobs.id"], name="fk_row_scores_judge_job_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("row_id", "judge_job_id", name="pk_row_scores"),
    )
    op.create_index("ix_row_scores_judge_job_id", "row_scores", ["judge_job_id"])


def downgrade() -> None:
    op.drop_table("row_scores")
