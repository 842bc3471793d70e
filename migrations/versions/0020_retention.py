"""Raw replies that are removed after a time, and training runs that know their job.

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("completions", sa.Column("raw_removed_at", sa.DateTime(timezone=True)))
    op.create_index(
        "ix_completions_kept",
        "completions",
        ["received_at"],
        postgresql_where=sa.text("raw_removed_at IS NULL"),
    )
    op.add_column("training_runs", sa.Column("job_id", sa.UUID()))
    op.execute(
        "UPDATE training_runs SET job_id = exports.job_id FROM exports "
        "WHERE exports.id = training_runs.export_id"
    )


def downgrade() -> None:
    op.drop_column("training_runs", "job_id")
    op.drop_index("ix_completions_kept", table_name="completions")
    op.drop_column("completions", "raw_removed_at")
