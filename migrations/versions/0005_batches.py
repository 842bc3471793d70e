"""Batches of calls: a teacher's batch prices, how a job's calls are delivered, and their states."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    """Apply."""
    op.add_column("teachers", sa.Column("batch_input_micro_usd_per_million", sa.BigInteger()))
    op.add_column("teachers", sa.Column("batch_output_micro_usd_per_million", sa.BigInteger()))
    op.add_column("jobs", sa.Column("delivery", sa.Text(), server_default="calls", nullable=False))
    op.create_table(
        "teacher_batches",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("job_id", sa.UUID(), nullable=False),
        sa.Column("teacher_id", sa.UUID(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("input_micro_usd_per_million", sa.BigInteger(), nullable=False),
        sa.Column("output_micro_usd_per_million", sa.BigInteger(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("input_file_id", sa.Text()),
        sa.Column("provider_batch_id", sa.Text()),
        sa.Column("provider_state", sa.Text()),
        sa.Column("output_file_id", sa.Text()),
        sa.Column("error_file_id", sa.Text()),
        sa.Column("completed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("polls", sa.Integer(), server_default="0", nullable=False),
        sa.Column("worker_id", sa.UUID()),
        sa.Column("detail", sa.Text()),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("next_step_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["job_id"],
            ["jobs.id"],
            name=op.f("fk_teacher_batches_job_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teacher_batches")),
    )
    op.create_index("ix_teacher_batches_job_id_id", "teacher_batches", ["job_id", "id"])
    op.create_index(
        "ix_teacher_batches_live",
        "teacher_batches",
        ["next_step_at"],
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("teacher_batches")
    op.drop_column("jobs", "delivery")
    op.drop_column("teachers", "batch_output_micro_usd_per_million")
    op.drop_column("teachers", "batch_input_micro_usd_per_million")
