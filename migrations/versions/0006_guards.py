"""When a teacher was last probed, and how often a worker was lost with a call.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "teacher_probes",
        sa.Column("teacher_id", sa.UUID(), nullable=False),
        sa.Column(
            "probed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"],
            ["teachers.id"],
            name=op.f("fk_teacher_probes_teacher_id_teachers"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("teacher_id", name=op.f("pk_teacher_probes")),
    )
    op.add_column("slots", sa.Column("strikes", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    """Revert."""
    op.drop_column("slots", "strikes")
    op.drop_table("teacher_probes")
