"""Training runs that only count, and what every run said of itself before its first step.

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "training_runs",
        sa.Column("dry_run", sa.Boolean(), server_default="false", nullable=False),
    )
    op.add_column("training_runs", sa.Column("plan", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    # A run that only counted would look like one whose result was lost.
    op.execute("DELETE FROM training_runs WHERE dry_run")
    op.drop_column("training_runs", "plan")
    op.drop_column("training_runs", "dry_run")
