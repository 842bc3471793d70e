"""The tables of what jobs without calls are made from: templates, labelled rows, other jobs."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from app.db.schema import count, id_column, metadata, reference, time

template_sets = sa.Table(
    "template_sets",
    metadata,
    id_column(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("dataset", sa.Text, nullable=False),
    sa.Column("licence", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False, unique=True),
    # The file as it came, and what the check found in it.
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("templates", JSONB, nullable=False),
    sa.Column("notices", JSONB, nullable=False),
    time("created_at", default=True),
)

labelled_sets = sa.Table(
    "labelled_sets",
    metadata,
    id_column(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("licence", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    # Digest of the file and of what was said about its columns.
    sa.Column("identity", sa.Text, nullable=False, unique=True),
    sa.Column("columns", JSONB, nullable=False),
    count("row_count"),
    time("created_at", default=True),
)

labelled_rows = sa.Table(
    "labelled_rows",
    metadata,
    sa.Column(
        "labelled_set_id", sa.ForeignKey("labelled_sets.id", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("position", sa.BigInteger, primary_key=True),
    # JSON as text: a column may hold what jsonb has no place for, such as NUL.
    sa.Column("fields", sa.Text, nullable=False),
)

# The jobs that a job mixes: their weights, and how many rows each gives at most.
job_sources = sa.Table(
    "job_sources",
    metadata,
    sa.Column("job_id", sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    reference("source_job_id", "jobs", ondelete="RESTRICT"),
    sa.Column("weight", sa.Float),
    sa.Column("cap", sa.BigInteger),
    sa.Index("ix_job_sources_source_job_id", "source_job_id"),
)

# What a mixing job proposes, in order: all rows of one instruction of one of its sources.
mixed_rows = sa.Table(
    "mixed_rows",
    metadata,
    sa.Column("job_id", sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("row_ids", ARRAY(UUID(as_uuid=True)), nullable=False),
)
