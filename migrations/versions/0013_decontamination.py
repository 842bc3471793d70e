"""Filters of a job, flags of rows, and evaluation sets that rows are held against.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    empty = sa.text("'{}'::jsonb")
    op.add_column(
        "jobs", sa.Column("filters", postgresql.JSONB(), server_default=empty, nullable=False)
    )
    op.add_column("jobs", sa.Column("decontamination", postgresql.JSONB(), nullable=True))
    op.add_column(
        "rows",
        sa.Column("flags", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
    )
    op.create_table(
        "evaluation_sets",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation_sets")),
        sa.UniqueConstraint("sha256", name=op.f("uq_evaluation_sets_sha256")),
    )
    op.create_table(
        "evaluation_items",
        sa.Column("evaluation_set_id", sa.UUID(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("instruction", sa.Text(), nullable=False),
        sa.Column("instances", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["evaluation_set_id"],
            ["evaluation_sets.id"],
            name=op.f("fk_evaluation_items_evaluation_set_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("evaluation_set_id", "position", name=op.f("pk_evaluation_items")),
    )
    op.create_table(
        "job_evaluation_sets",
        sa.Column("job_id", sa.UUID(), nullable=False),
        sa.Column("evaluation_set_id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"],
            ["jobs.id"],
            name=op.f("fk_job_evaluation_sets_job_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["evaluation_set_id"],
            ["evaluation_sets.id"],
            name=op.f("fk_job_evaluation_sets_evaluation_set_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("job_id", "evaluation_set_id", name=op.f("pk_job_evaluation_sets")),
    )
    op.create_index(
        op.f("ix_job_evaluation_sets_evaluation_set_id"),
        "job_evaluation_sets",
        ["evaluation_set_id"],
    )


def downgrade() -> None:
    op.drop_table("job_evaluation_sets")
    op.drop_table("evaluation_items")
    op.drop_table("evaluation_sets")
    op.drop_column("rows", "flags")
    op.drop_column("jobs", "decontamination")
    op.drop_column("jobs", "filters")
