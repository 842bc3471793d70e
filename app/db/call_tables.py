"""The tables of calls: what is asked of teachers, by whom, what it costs, what came back."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, JSONB, UUID

from app.db.schema import count, id_column, metadata, reference, time

# Which workers drive which jobs just now, and whether they could use more calls than they have:
# what divides a teacher's concurrency among them.
claimants = sa.Table(
    "claimants",
    metadata,
    sa.Column("job_id", sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("worker_id", UUID(as_uuid=True), primary_key=True),
    sa.Column("teacher_id", UUID(as_uuid=True), nullable=False),
    sa.Column("hungry", sa.Boolean, nullable=False),
    time("seen_at", default=True),
)

# When a teacher that did not serve was last asked whether it does again.
teacher_probes = sa.Table(
    "teacher_probes",
    metadata,
    sa.Column("teacher_id", sa.ForeignKey("teachers.id", ondelete="CASCADE"), primary_key=True),
    time("probed_at", default=True),
)

slots = sa.Table(
    "slots",
    metadata,
    id_column(),
    reference("job_id", "jobs"),
    reference("conversation_id", "conversations"),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("prompt", JSONB, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    # How often a worker was lost with it; a reply that comes back clears it.
    sa.Column("strikes", sa.Integer, nullable=False, server_default="0"),
    count("reserved_micro_usd"),
    # Who holds the call while it is under way: a worker, or the batch that it went with.
    sa.Column("worker_id", UUID(as_uuid=True)),
    sa.Column("answered_attempt", sa.Integer),
    # Whether the replies of earlier jobs were searched for one to the same request.
    sa.Column("looked_up", sa.Boolean, nullable=False, server_default="false"),
    sa.Column("reason", sa.Text),
    sa.Column("detail", sa.Text),
    time("not_before"),
    time("updated_at", default=True),
    sa.UniqueConstraint("conversation_id", "position"),
)

sa.Index(
    "ix_slots_ready",
    slots.c.job_id,
    slots.c.kind,
    slots.c.number,
    slots.c.position,
    postgresql_where=slots.c.state == "ready",
)

sa.Index(
    "ix_slots_active",
    slots.c.job_id,
    slots.c.state,
    postgresql_where=slots.c.state.in_(["in_flight", "received", "unknown"]),
)

sa.Index("ix_slots_job_id_number", slots.c.job_id, slots.c.kind, slots.c.number, slots.c.position)

sa.Index(
    "ix_slots_troubled",
    slots.c.job_id,
    slots.c.updated_at,
    postgresql_where=slots.c.detail.is_not(None),
)

completions = sa.Table(
    "completions",
    metadata,
    sa.Column("slot_id", sa.ForeignKey("slots.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True),
    sa.Column("job_id", UUID(as_uuid=True), nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("raw", BYTEA, nullable=False),
    sa.Column("true_length", sa.BigInteger),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("endpoint", sa.Text, nullable=False),
    sa.Column("request_id", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("prompt_tokens", sa.BigInteger),
    sa.Column("completion_tokens", sa.BigInteger),
    count("cost_micro_usd"),
    sa.Column("elapsed_ms", sa.Integer, nullable=False),
    sa.Column("late", sa.Boolean, nullable=False, server_default="false"),
    # Names the whole request, of usable replies only: what an equal call may be answered with.
    sa.Column("request_digest", BYTEA),
    # Of a reply that an earlier job bought: which one, and what it had cost then.
    sa.Column("reused_from_job_id", UUID(as_uuid=True)),
    sa.Column("reused_from_slot_id", UUID(as_uuid=True)),
    sa.Column("reused_from_attempt", sa.Integer),
    count("saved_micro_usd"),
    time("received_at", default=True),
    # When `raw` was emptied because it had been kept long enough.
    time("raw_removed_at"),
)

sa.Index(
    "ix_completions_kept",
    completions.c.received_at,
    postgresql_where=completions.c.raw_removed_at.is_(None),
)

sa.Index(
    "ix_completions_request_digest",
    completions.c.request_digest,
    postgresql_where=completions.c.request_digest.is_not(None),
)

sa.Index(
    "ix_completions_troubled",
    completions.c.job_id,
    completions.c.outcome,
    completions.c.received_at,
    postgresql_where=completions.c.error.is_not(None),
)

# Within one job, a stored reply stands for one call.
sa.Index(
    "uq_completions_reused",
    completions.c.job_id,
    completions.c.reused_from_slot_id,
    completions.c.reused_from_attempt,
    unique=True,
    postgresql_where=completions.c.reused_from_slot_id.is_not(None),
)

ledger = sa.Table(
    "ledger",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    reference("job_id", "jobs"),
    sa.Column("slot_id", UUID(as_uuid=True)),
    sa.Column("embedding_call_id", UUID(as_uuid=True)),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("entry", sa.Text, nullable=False),
    sa.Column("reserved_delta", sa.BigInteger, nullable=False),
    sa.Column("spent_delta", sa.BigInteger, nullable=False),
    count("saved_micro_usd"),
    time("at", default=True),
    sa.Index("ix_ledger_job_id_id", "job_id", "id"),
    sa.CheckConstraint("num_nonnulls(slot_id, embedding_call_id) = 1", name="one_call"),
)

teacher_batches = sa.Table(
    "teacher_batches",
    metadata,
    id_column(),
    reference("job_id", "jobs"),
    sa.Column("teacher_id", UUID(as_uuid=True), nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("endpoint", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("input_micro_usd_per_million", sa.BigInteger, nullable=False),
    sa.Column("output_micro_usd_per_million", sa.BigInteger, nullable=False),
    sa.Column("requests", sa.Integer, nullable=False),
    sa.Column("input_file_id", sa.Text),
    sa.Column("provider_batch_id", sa.Text),
    sa.Column("provider_state", sa.Text),
    sa.Column("output_file_id", sa.Text),
    sa.Column("error_file_id", sa.Text),
    sa.Column("completed", sa.Integer, nullable=False, server_default="0"),
    sa.Column("failed", sa.Integer, nullable=False, server_default="0"),
    # Steps that failed one after the other, and those that found nothing new.
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("polls", sa.Integer, nullable=False, server_default="0"),
    # Who takes a step with it just now; a worker that is silent has lost it.
    sa.Column("worker_id", UUID(as_uuid=True)),
    sa.Column("detail", sa.Text),
    time("created_at", default=True),
    time("submitted_at"),
    time("ended_at"),
    time("next_step_at"),
    sa.Index("ix_teacher_batches_job_id_id", "job_id", "id"),
)

sa.Index(
    "ix_teacher_batches_live",
    teacher_batches.c.next_step_at,
    postgresql_where=teacher_batches.c.ended_at.is_(None),
)

embeddings = sa.Table(
    "embeddings",
    metadata,
    sa.Column("teacher_id", sa.ForeignKey("teachers.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("digest", BYTEA, primary_key=True),
    # Without a vector the row says that a call for it is under way, so that nobody pays twice.
    sa.Column("vector", BYTEA),
    sa.Column("call_id", UUID(as_uuid=True), nullable=False),
)

sa.Index(
    "ix_embeddings_under_way",
    embeddings.c.call_id,
    postgresql_where=embeddings.c.vector.is_(None),
)

embedding_calls = sa.Table(
    "embedding_calls",
    metadata,
    id_column(),
    reference("job_id", "jobs"),
    sa.Column("teacher_id", UUID(as_uuid=True), nullable=False),
    sa.Column("worker_id", UUID(as_uuid=True), nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("texts", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    count("reserved_micro_usd"),
    count("cost_micro_usd"),
    sa.Column("outcome", sa.Text),
    sa.Column("status", sa.Integer),
    sa.Column("request_id", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("prompt_tokens", sa.BigInteger),
    sa.Column("elapsed_ms", sa.Integer),
    time("sent_at", default=True),
    time("finished_at"),
    sa.Index("ix_embedding_calls_job_id_id", "job_id", "id"),
)

sa.Index(
    "ix_embedding_calls_in_flight",
    embedding_calls.c.teacher_id,
    embedding_calls.c.job_id,
    postgresql_where=embedding_calls.c.state == "in_flight",
)
