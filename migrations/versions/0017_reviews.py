"""Reviews: samples of rows that people judge, and their decisions, which are only added.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _reviews()
    _review_rows()
    _row_decisions()
    op.create_index(
        "ix_rows_reviewed",
        "rows",
        ["job_id", "verdict"],
        postgresql_where=sa.text("verdict IS NOT NULL"),
    )


def _made_at() -> sa.Column:
    kind, now = sa.DateTime(timezone=True), sa.text("clock_timestamp()")
    return sa.Column("created_at", kind, server_default=now, nullable=False)


def _reviews() -> None:
    op.create_table(
        "reviews",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("job_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("random_seed", sa.BigInteger(), nullable=False),
        sa.Column("sample_rows", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("population", sa.BigInteger(), server_default="0", nullable=False),
        _made_at(),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_reviews_job_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
    )
    op.create_index("ix_reviews_job_id_id", "reviews", ["job_id", "id"])


def _review_rows() -> None:
    op.create_table(
        "review_rows",
        sa.Column("review_id", sa.UUID(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("row_id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["review_id"], ["reviews.id"], name=op.f("fk_review_rows_review_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["row_id"], ["rows.id"], name=op.f("fk_review_rows_row_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("review_id", "position", name=op.f("pk_review_rows")),
        sa.UniqueConstraint("review_id", "row_id", name=op.f("uq_review_rows_review_id_row_id")),
    )
    op.create_index("ix_review_rows_row_id", "review_rows", ["row_id"])


def _row_decisions() -> None:
    op.create_table(
        "row_decisions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("row_id", sa.UUID(), nullable=False),
        sa.Column("review_id", sa.UUID(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("reasons", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("before", postgresql.JSONB(), nullable=True),
        sa.Column("after", postgresql.JSONB(), nullable=True),
        _made_at(),
        sa.CheckConstraint("verdict IN ('kept', 'edited', 'dropped')", name="verdict"),
        sa.CheckConstraint("verdict = 'kept' OR cardinality(reasons) > 0", name="named_fault"),
        sa.ForeignKeyConstraint(
            ["row_id"], ["rows.id"], name=op.f("fk_row_decisions_row_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["review_id"],
            ["reviews.id"],
            name=op.f("fk_row_decisions_review_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_row_decisions")),
    )
    op.create_index("ix_row_decisions_row_id_id", "row_decisions", ["row_id", "id"])
    op.create_index(
        "ix_row_decisions_review_id_row_id_id", "row_decisions", ["review_id", "row_id", "id"]
    )


def downgrade() -> None:
    op.drop_index("ix_rows_reviewed", "rows")
    op.drop_table("row_decisions")
    op.drop_table("review_rows")
    op.drop_table("reviews")
