"""Template sets and labelled rows, jobs without seeds or a teacher, and jobs that mix others.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    op.create_table(
        "template_sets",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("templates", postgresql.JSONB(), nullable=False),
        sa.Column("notices", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_template_sets")),
        sa.UniqueConstraint("sha256", name=op.f("uq_template_sets_sha256")),
    )
    op.create_table(
        "labelled_sets",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("columns", postgresql.JSONB(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_labelled_sets")),
        sa.UniqueConstraint("identity", name=op.f("uq_labelled_sets_identity")),
    )
    op.create_table(
        "labelled_rows",
        sa.Column("labelled_set_id", sa.UUID(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["labelled_set_id"],
            ["labelled_sets.id"],
            name=op.f("fk_labelled_rows_labelled_set_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("labelled_set_id", "position", name=op.f("pk_labelled_rows")),
    )
    op.alter_column("jobs", "seed_set_id", existing_type=sa.UUID(), nullable=True)
    op.alter_column("jobs", "teacher_id", existing_type=sa.UUID(), nullable=True)
    for name in ("labelled_set", "template_set"):
        op.add_column("jobs", sa.Column(f"{name}_id", sa.UUID(), nullable=True))
        op.create_foreign_key(
            op.f(f"fk_jobs_{name}_id"),
            "jobs",
            f"{name}s",
            [f"{name}_id"],
            ["id"],
            ondelete="RESTRICT",
        )
        op.create_index(op.f(f"ix_jobs_{name}_id"), "jobs", [f"{name}_id"])
    op.create_table(
        "job_sources",
        sa.Column("job_id", sa.UUID(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("source_job_id", sa.UUID(), nullable=False),
        sa.Column("weight", sa.Float(), nullable=True),
        sa.Column("cap", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_job_sources_job_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["source_job_id"],
            ["jobs.id"],
            name=op.f("fk_job_sources_source_job_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("job_id", "position", name=op.f("pk_job_sources")),
    )
    op.create_index(op.f("ix_job_sources_source_job_id"), "job_sources", ["source_job_id"])
    op.create_table(
        "mixed_rows",
        sa.Column("job_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("row_ids", postgresql.ARRAY(sa.UUID()), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_mixed_rows_job_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("pk_mixed_rows")),
    )


def downgrade() -> None:
    op.drop_table("mixed_rows")
    op.drop_table("job_sources")
    op.execute("DELETE FROM jobs WHERE seed_set_id IS NULL OR teacher_id IS NULL")
    for name in ("template_set", "labelled_set"):
        op.drop_index(op.f(f"ix_jobs_{name}_id"), table_name="jobs")
        op.drop_constraint(op.f(f"fk_jobs_{name}_id"), "jobs", type_="foreignkey")
        op.drop_column("jobs", f"{name}_id")
    op.alter_column("jobs", "teacher_id", existing_type=sa.UUID(), nullable=False)
    op.alter_column("jobs", "seed_set_id", existing_type=sa.UUID(), nullable=False)
    op.drop_table("labelled_rows")
    op.drop_table("labelled_sets")
    op.drop_table("template_sets")
