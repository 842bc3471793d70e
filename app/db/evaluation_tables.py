"""The tables of evaluation sets, and of which job is held against which."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.db.schema import count, id_column, metadata, time

evaluation_sets = sa.Table(
    "evaluation_sets",
    metadata,
    id_column(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("licence", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False, unique=True),
    count("row_count"),
    time("created_at", default=True),
)

evaluation_items = sa.Table(
    "evaluation_items",
    metadata,
    sa.Column(
        "evaluation_set_id",
        sa.ForeignKey("evaluation_sets.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    sa.Column("position", sa.BigInteger, primary_key=True),
    sa.Column("instruction", sa.Text, nullable=False),
    sa.Column("instances", JSONB, nullable=False),
)

job_evaluation_sets = sa.Table(
    "job_evaluation_sets",
    metadata,
    sa.Column("job_id", sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column(
        "evaluation_set_id",
        sa.ForeignKey("evaluation_sets.id", ondelete="RESTRICT"),
        primary_key=True,
        index=True,
    ),
)
