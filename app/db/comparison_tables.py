"""The tables of comparisons: two models' answers judged by a teacher, and every judgement."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, UUID

from app.db.schema import count, id_column, metadata, reference, time

comparisons = sa.Table(
    "comparisons",
    metadata,
    id_column(),
    reference("run_id", "training_runs"),
    # The run whose tuned model stands first; null: the base of the same run.
    sa.Column("against_run_id", UUID(as_uuid=True)),
    reference("teacher_id", "teachers", nullable=True, ondelete="SET NULL"),
    sa.Column("judge", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("cap_calls", sa.Integer),
    sa.Column("cap_micro_usd", sa.BigInteger),
    # Prompts with both answers: the files of the runs may be elsewhere than the worker.
    sa.Column("pairs", JSONB, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
    count("done"),
    count("total"),
    count("calls"),
    count("spent_micro_usd"),
    sa.Column("result", JSONB),
    sa.Column("error", sa.Text),
    sa.Column("error_code", sa.Text),
    time("leased_until"),
    time("created_at", default=True),
    time("started_at"),
    time("finished_at"),
    sa.Index("ix_comparisons_run_id", "run_id"),
    sa.Index("ix_comparisons_teacher_id", "teacher_id"),
    sa.Index(
        "ix_comparisons_open",
        "id",
        postgresql_where=sa.text("state IN ('queued', 'running', 'stopping')"),
    ),
)

# A judgement stands here before its call is sent: without an outcome it may have been paid.
judgements = sa.Table(
    "judgements",
    metadata,
    sa.Column(
        "comparison_id", sa.ForeignKey("comparisons.id", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("micro_usd", sa.BigInteger, nullable=False),
    sa.Column("outcome", sa.Text),
    sa.Column("text", sa.Text),
    time("created_at", default=True),
)
