"""Samples of how jobs go, and indexes that find the newest drops and troubles of a job.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_NUMBERS = ("accepted", "candidates", "novel", "dropped", "calls", "spent_micro_usd")


def upgrade() -> None:
    op.create_table(
        "job_samples",
        sa.Column("job_id", sa.UUID(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _NUMBERS),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name="fk_job_samples_job_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "at", name="pk_job_samples"),
    )
    op.create_index(
        "ix_candidates_dropped",
        "candidates",
        ["job_id", "id"],
        postgresql_where=sa.text("state IN ('duplicate', 'rejected')"),
    )
    op.create_index(
        "ix_slots_troubled",
        "slots",
        ["job_id", "updated_at"],
        postgresql_where=sa.text("detail IS NOT NULL"),
    )
    op.create_index(
        "ix_completions_troubled",
        "completions",
        ["job_id", "outcome", "received_at"],
        postgresql_where=sa.text("error IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_completions_troubled", table_name="completions")
    op.drop_index("ix_slots_troubled", table_name="slots")
    op.drop_index("ix_candidates_dropped", table_name="candidates")
    op.drop_table("job_samples")
