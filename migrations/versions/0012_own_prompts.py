"""A user's own prompt texts of a job; jobs that began without the check of language go on without.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "jobs",
        sa.Column("prompts", postgresql.JSONB(), server_default="{}", nullable=False),
    )
    op.execute(
        "UPDATE jobs SET options = options || '{\"check_language\": false}' "
        "WHERE method IN "
        "('self_instruct', 'answer', 'evol_instruct', 'self_chat', 'multimodal_text')"
    )


def downgrade() -> None:
    op.drop_column("jobs", "prompts")
