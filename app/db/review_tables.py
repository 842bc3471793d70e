"""The tables of reviews: samples of rows, and what people decided about rows."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.db.schema import count, id_column, metadata, reference, time

reviews = sa.Table(
    "reviews",
    metadata,
    id_column(),
    reference("job_id", "jobs"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("reviewer", sa.Text, nullable=False),
    sa.Column("random_seed", sa.BigInteger, nullable=False),
    count("sample_rows"),
    count("population"),
    time("created_at", default=True),
    sa.Index("ix_reviews_job_id_id", "job_id", "id"),
)

review_rows = sa.Table(
    "review_rows",
    metadata,
    sa.Column("review_id", sa.ForeignKey("reviews.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("position", sa.BigInteger, primary_key=True),
    reference("row_id", "rows"),
    sa.UniqueConstraint("review_id", "row_id"),
    sa.Index("ix_review_rows_row_id", "row_id"),
)

# Rows are only added here: the decisions about a row are its history.
row_decisions = sa.Table(
    "row_decisions",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    reference("row_id", "rows"),
    reference("review_id", "reviews", nullable=True, ondelete="SET NULL"),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("reasons", ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Column("reviewer", sa.Text, nullable=False),
    # The texts before and after, where the decision changed them.
    sa.Column("before", JSONB(none_as_null=True)),
    sa.Column("after", JSONB(none_as_null=True)),
    time("created_at", default=True),
    sa.CheckConstraint("verdict IN ('kept', 'edited', 'dropped')", name="verdict"),
    sa.CheckConstraint("verdict = 'kept' OR cardinality(reasons) > 0", name="named_fault"),
    sa.Index("ix_row_decisions_row_id_id", "row_id", "id"),
    sa.Index("ix_row_decisions_review_id_row_id_id", "review_id", "row_id", "id"),
)
