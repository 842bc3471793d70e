"""Worth curves, and comparisons by a judge, made by the service.

Revision ID: 0021
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    op.add_column("training_runs", sa.Column("worth", postgresql.JSONB(), nullable=True))
    _comparisons()
    op.create_table(
        "judgements",
        sa.Column("comparison_id", sa.UUID(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("micro_usd", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(
            ["comparison_id"],
            ["comparisons.id"],
            name=op.f("fk_judgements_comparison_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("comparison_id", "key", name=op.f("pk_judgements")),
    )


def _comparisons() -> None:
    counts = [
        sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)
        for name in ("done", "total", "calls", "spent_micro_usd")
    ]
    op.create_table(
        "comparisons",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("run_id", sa.UUID(), nullable=False),
        sa.Column("against_run_id", sa.UUID(), nullable=True),
        sa.Column("teacher_id", sa.UUID(), nullable=True),
        sa.Column("judge", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("cap_calls", sa.Integer(), nullable=True),
        sa.Column("cap_micro_usd", sa.BigInteger(), nullable=True),
        sa.Column("pairs", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        *counts,
        sa.Column("result", postgresql.JSONB(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id"], ["training_runs.id"], name=op.f("fk_comparisons_run_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["teacher_id"],
            ["teachers.id"],
            name=op.f("fk_comparisons_teacher_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comparisons")),
    )
    op.create_index("ix_comparisons_run_id", "comparisons", ["run_id"])
    op.create_index("ix_comparisons_teacher_id", "comparisons", ["teacher_id"])
    op.create_index(
        "ix_comparisons_open",
        "comparisons",
        ["id"],
        postgresql_where=sa.text("state IN ('queued', 'running', 'stopping')"),
    )


def downgrade() -> None:
    op.drop_table("judgements")
    op.drop_table("comparisons")
    # A curve would look like a training whose result was lost.
    op.execute("DELETE FROM training_runs WHERE worth IS NOT NULL")
    op.drop_column("training_runs", "worth")
