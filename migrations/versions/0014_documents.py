"""Sets of documents: their chunks are seeds that know their place.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("seed_sets", sa.Column("kind", sa.Text(), server_default="tasks", nullable=False))
    op.drop_constraint("uq_seed_sets_sha256", "seed_sets")
    op.create_index(
        "uq_seed_sets_sha256",
        "seed_sets",
        ["sha256"],
        unique=True,
        postgresql_where=sa.text("kind = 'tasks'"),
    )
    op.add_column("seeds", sa.Column("facts", postgresql.JSONB(), nullable=True))
    op.create_table(
        "documents",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("seed_set_id", sa.UUID(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("characters", sa.BigInteger(), nullable=False),
        sa.Column("pages", sa.BigInteger(), nullable=True),
        sa.Column("chunk_characters", sa.Integer(), nullable=False),
        sa.Column("chunk_count", sa.BigInteger(), nullable=False),
        sa.Column("problems", postgresql.JSONB(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["seed_set_id"],
            ["seed_sets.id"],
            name="fk_documents_seed_set_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_documents"),
        sa.UniqueConstraint("seed_set_id", "name", name="uq_documents_seed_set_id_name"),
    )


def downgrade() -> None:
    """Sets of documents go, with the jobs that were made of them."""
    op.execute(
        "DELETE FROM jobs USING seed_sets s WHERE s.id = jobs.seed_set_id AND s.kind <> 'tasks'"
    )
    op.execute("DELETE FROM seed_sets WHERE kind <> 'tasks'")
    op.drop_table("documents")
    op.drop_column("seeds", "facts")
    op.drop_index("uq_seed_sets_sha256", "seed_sets")
    op.create_unique_constraint("uq_seed_sets_sha256", "seed_sets", ["sha256"])
    op.drop_column("seed_sets", "kind")
