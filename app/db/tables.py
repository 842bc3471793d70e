"""Every table, with the life cycle that its state columns follow (`app.domain.lifecycle`)."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB, UUID

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

_now = sa.text("clock_timestamp()")


def _id() -> "sa.Column[object]":
    return sa.Column("id", UUID(as_uuid=True), primary_key=True)


def _reference(
    name: str, target: str, *, nullable: bool = False, ondelete: str = "CASCADE"
) -> "sa.Column[object]":
    key = sa.ForeignKey(f"{target}.id", ondelete=ondelete)
    return sa.Column(name, UUID(as_uuid=True), key, nullable=nullable)


def _time(name: str, *, default: bool = False) -> "sa.Column[object]":
    kind = sa.DateTime(timezone=True)
    if default:
        return sa.Column(name, kind, nullable=False, server_default=_now)
    return sa.Column(name, kind)


def _count(name: str) -> "sa.Column[object]":
    return sa.Column(name, sa.BigInteger, nullable=False, server_default="0")


seed_sets = sa.Table(
    "seed_sets",
    metadata,
    _id(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("licence", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("tokens", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False, unique=True),
    _count("row_count"),
    _time("created_at", default=True),
)

seeds = sa.Table(
    "seeds",
    metadata,
    _id(),
    _reference("seed_set_id", "seed_sets"),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("external_id", sa.Text),
    sa.Column("name", sa.Text),
    sa.Column("instruction", sa.Text, nullable=False),
    sa.Column("instances", JSONB, nullable=False),
    sa.Column("is_classification", sa.Boolean),
    sa.UniqueConstraint("seed_set_id", "position"),
)

teachers = sa.Table(
    "teachers",
    metadata,
    _id(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("base_url", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("endpoint", sa.Text, nullable=False),
    sa.Column("sealed_key", BYTEA),
    sa.Column("key_last4", sa.Text),
    sa.Column("input_micro_usd_per_million", sa.BigInteger),
    sa.Column("output_micro_usd_per_million", sa.BigInteger),
    sa.Column("batch_input_micro_usd_per_million", sa.BigInteger),
    sa.Column("batch_output_micro_usd_per_million", sa.BigInteger),
    sa.Column("context_length", sa.Integer),
    sa.Column("max_concurrency", sa.Integer, nullable=False),
    sa.Column("requests_per_minute", sa.Integer),
    sa.Column("tokens_per_minute", sa.Integer),
    sa.Column("extra_body", JSONB, nullable=False),
    sa.Column("timeout_s", sa.Float, nullable=False),
    sa.Column("terms", sa.Text, nullable=False, server_default=""),
    sa.Column("simulated", sa.Boolean, nullable=False),
    _time("created_at", default=True),
)

pools = sa.Table(
    "pools",
    metadata,
    _id(),
    sa.Column("tokens", sa.Text, nullable=False),
    sa.Column("threshold", sa.Float, nullable=False),
    sa.Column("exact_duplicates", sa.Boolean, nullable=False),
    sa.Column("semantic_threshold", sa.Float),
    _reference("embedder_id", "teachers", nullable=True, ondelete="RESTRICT"),
    _count("last_seq"),
    _count("seed_count"),
)

pool_rows = sa.Table(
    "pool_rows",
    metadata,
    sa.Column("pool_id", sa.ForeignKey("pools.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("source_id", UUID(as_uuid=True), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("norm_hash", BYTEA),
    sa.Index("uq_pool_rows_pool_id_norm_hash", "pool_id", "norm_hash", unique=True),
)

jobs = sa.Table(
    "jobs",
    metadata,
    _id(),
    sa.Column("name", sa.Text, nullable=False),
    _reference("seed_set_id", "seed_sets", ondelete="RESTRICT"),
    _reference("teacher_id", "teachers", ondelete="RESTRICT"),
    _reference("pool_id", "pools", ondelete="RESTRICT"),
    _reference("embedder_id", "teachers", nullable=True, ondelete="RESTRICT"),
    # The accepted rows as instruction and input; there is one only when they are compared too.
    _reference("row_pool_id", "pools", nullable=True, ondelete="RESTRICT"),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("profile", sa.Text, nullable=False),
    sa.Column("options", JSONB, nullable=False),
    sa.Column("random_seed", sa.BigInteger, nullable=False),
    sa.Column("delivery", sa.Text, nullable=False, server_default="calls"),
    sa.Column("target_rows", sa.BigInteger, nullable=False),
    sa.Column("cap_calls", sa.BigInteger, nullable=False),
    sa.Column("cap_micro_usd", sa.BigInteger),
    _count("spent_micro_usd"),
    _count("reserved_micro_usd"),
    _count("calls"),
    sa.Column("reuse", sa.Text, nullable=False, server_default="never"),
    _count("reused_calls"),
    _count("saved_micro_usd"),
    _count("next_propose"),
    _count("next_answer"),
    sa.Column("simulated", sa.Boolean, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("detail", sa.Text),
    _time("created_at", default=True),
    _time("started_at"),
    _time("finished_at"),
    _time("hinted_at"),
    # Rounds of embedding calls that failed one after the other, and when the next may begin.
    sa.Column("embedder_failures", sa.Integer, nullable=False, server_default="0"),
    _time("embedder_not_before"),
    _time("updated_at", default=True),
    sa.CheckConstraint("spent_micro_usd >= 0 AND reserved_micro_usd >= 0", name="money"),
)
sa.Index("ix_jobs_live", jobs.c.id, postgresql_where=jobs.c.finished_at.is_(None))

job_counts = sa.Table(
    "job_counts",
    metadata,
    sa.Column("job_id", sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("family", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    _count("n"),
)

# What the counters of deleted jobs had come to, so that no total ever falls.
past_counts = sa.Table(
    "past_counts",
    metadata,
    sa.Column("teacher_id", UUID(as_uuid=True), primary_key=True),
    sa.Column("family", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    _count("n"),
)

job_events = sa.Table(
    "job_events",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    _reference("job_id", "jobs"),
    sa.Column("from_state", sa.Text),
    sa.Column("to_state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("detail", sa.Text),
    _time("at", default=True),
    sa.Index("ix_job_events_job_id_id", "job_id", "id"),
)

conversations = sa.Table(
    "conversations",
    metadata,
    _id(),
    _reference("job_id", "jobs"),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("candidate_id", UUID(as_uuid=True)),
    sa.Column("sources", JSONB, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    # Asked for by a retry: carried to its end even when the job needs no more rows.
    sa.Column("wanted", sa.Boolean, nullable=False, server_default="false"),
    _time("created_at", default=True),
    sa.UniqueConstraint("job_id", "kind", "number"),
    sa.Index("uq_conversations_candidate_id", "candidate_id", unique=True),
)
sa.Index(
    "ix_conversations_open",
    conversations.c.job_id,
    conversations.c.kind,
    postgresql_where=conversations.c.state == "open",
)

workers = sa.Table(
    "workers",
    metadata,
    _id(),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("process", sa.Integer, nullable=False),
    _time("started_at", default=True),
    _time("heartbeat_at", default=True),
    # How its doors to the teachers stood at the last heartbeat.
    sa.Column("gates", JSONB, nullable=False, server_default=sa.text("'[]'::jsonb")),
)

# Which workers drive which jobs just now, and whether they could use more calls than they have:
# what divides a teacher's concurrency among them.
claimants = sa.Table(
    "claimants",
    metadata,
    sa.Column("job_id", sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("worker_id", UUID(as_uuid=True), primary_key=True),
    sa.Column("teacher_id", UUID(as_uuid=True), nullable=False),
    sa.Column("hungry", sa.Boolean, nullable=False),
    _time("seen_at", default=True),
)

# When a teacher that did not serve was last asked whether it does again.
teacher_probes = sa.Table(
    "teacher_probes",
    metadata,
    sa.Column("teacher_id", sa.ForeignKey("teachers.id", ondelete="CASCADE"), primary_key=True),
    _time("probed_at", default=True),
)

slots = sa.Table(
    "slots",
    metadata,
    _id(),
    _reference("job_id", "jobs"),
    _reference("conversation_id", "conversations"),
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
    _count("reserved_micro_usd"),
    # Who holds the call while it is under way: a worker, or the batch that it went with.
    sa.Column("worker_id", UUID(as_uuid=True)),
    sa.Column("answered_attempt", sa.Integer),
    # Whether the replies of earlier jobs were searched for one to the same request.
    sa.Column("looked_up", sa.Boolean, nullable=False, server_default="false"),
    sa.Column("reason", sa.Text),
    sa.Column("detail", sa.Text),
    _time("not_before"),
    _time("updated_at", default=True),
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
    _count("cost_micro_usd"),
    sa.Column("elapsed_ms", sa.Integer, nullable=False),
    sa.Column("late", sa.Boolean, nullable=False, server_default="false"),
    # Names the whole request, of usable replies only: what an equal call may be answered with.
    sa.Column("request_digest", BYTEA),
    # Of a reply that an earlier job bought: which one, and what it had cost then.
    sa.Column("reused_from_job_id", UUID(as_uuid=True)),
    sa.Column("reused_from_slot_id", UUID(as_uuid=True)),
    sa.Column("reused_from_attempt", sa.Integer),
    _count("saved_micro_usd"),
    _time("received_at", default=True),
)
sa.Index(
    "ix_completions_request_digest",
    completions.c.request_digest,
    postgresql_where=completions.c.request_digest.is_not(None),
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
    _reference("job_id", "jobs"),
    sa.Column("slot_id", UUID(as_uuid=True)),
    sa.Column("embedding_call_id", UUID(as_uuid=True)),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("entry", sa.Text, nullable=False),
    sa.Column("reserved_delta", sa.BigInteger, nullable=False),
    sa.Column("spent_delta", sa.BigInteger, nullable=False),
    _count("saved_micro_usd"),
    _time("at", default=True),
    sa.Index("ix_ledger_job_id_id", "job_id", "id"),
    sa.CheckConstraint("num_nonnulls(slot_id, embedding_call_id) = 1", name="one_call"),
)

teacher_batches = sa.Table(
    "teacher_batches",
    metadata,
    _id(),
    _reference("job_id", "jobs"),
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
    _time("created_at", default=True),
    _time("submitted_at"),
    _time("ended_at"),
    _time("next_step_at"),
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
    _id(),
    _reference("job_id", "jobs"),
    sa.Column("teacher_id", UUID(as_uuid=True), nullable=False),
    sa.Column("worker_id", UUID(as_uuid=True), nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("texts", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    _count("reserved_micro_usd"),
    _count("cost_micro_usd"),
    sa.Column("outcome", sa.Text),
    sa.Column("status", sa.Integer),
    sa.Column("request_id", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("prompt_tokens", sa.BigInteger),
    sa.Column("elapsed_ms", sa.Integer),
    _time("sent_at", default=True),
    _time("finished_at"),
    sa.Index("ix_embedding_calls_job_id_id", "job_id", "id"),
)
sa.Index(
    "ix_embedding_calls_in_flight",
    embedding_calls.c.teacher_id,
    embedding_calls.c.job_id,
    postgresql_where=embedding_calls.c.state == "in_flight",
)

candidates = sa.Table(
    "candidates",
    metadata,
    _id(),
    _reference("job_id", "jobs"),
    _reference("pool_id", "pools"),
    _reference("conversation_id", "conversations"),
    # None where the seed itself was proposed, without a call.
    sa.Column("slot_id", UUID(as_uuid=True)),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("instruction", sa.Text, nullable=False),
    sa.Column("is_classification", sa.Boolean),
    # What came along with the instruction, and what else its method wants to know of it again.
    sa.Column("instances", JSONB),
    sa.Column("facts", JSONB),
    # The candidate of the same conversation that it was made from; without one, the sources.
    sa.Column("parent_id", UUID(as_uuid=True)),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reasons", ARRAY(sa.Text), nullable=False),
    sa.Column("pool_seq", sa.BigInteger),
    sa.Column("nearest_seq", sa.BigInteger),
    sa.Column("nearest_score", sa.Float),
    sa.Column("nearest_cosine", sa.Float),
    sa.Column("answering", sa.Boolean, nullable=False, server_default="false"),
    _time("created_at", default=True),
    sa.UniqueConstraint("conversation_id", "position"),
    sa.CheckConstraint("state <> 'rejected' OR cardinality(reasons) > 0", name="named_drop"),
)
sa.Index(
    "ix_candidates_proposed",
    candidates.c.pool_id,
    candidates.c.number,
    candidates.c.position,
    postgresql_where=candidates.c.state == "proposed",
)
sa.Index(
    "ix_candidates_unanswered",
    candidates.c.job_id,
    candidates.c.pool_seq,
    postgresql_where=sa.and_(candidates.c.state == "novel", sa.not_(candidates.c.answering)),
)
sa.Index("ix_candidates_job_id_id", candidates.c.job_id, candidates.c.id)

rows = sa.Table(
    "rows",
    metadata,
    _id(),
    _reference("job_id", "jobs"),
    _reference("candidate_id", "candidates"),
    sa.Column("slot_id", UUID(as_uuid=True)),
    sa.Column("pool_seq", sa.BigInteger, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("instruction", sa.Text, nullable=False),
    sa.Column("input", sa.Text, nullable=False),
    sa.Column("output", sa.Text, nullable=False),
    sa.Column("is_classification", sa.Boolean),
    # All turns of a dialogue (its first exchange is in the other columns), and such as its image.
    sa.Column("messages", JSONB),
    sa.Column("facts", JSONB),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reasons", ARRAY(sa.Text), nullable=False),
    sa.Column("verdict", sa.Text),
    # Of a row dropped for its likeness to another: which one, and their ROUGE-L F-measure.
    sa.Column("nearest_row_id", UUID(as_uuid=True)),
    sa.Column("nearest_score", sa.Float),
    sa.Column("simulated", sa.Boolean, nullable=False),
    _time("created_at", default=True),
    sa.UniqueConstraint("candidate_id", "position"),
    sa.CheckConstraint("state <> 'rejected' OR cardinality(reasons) > 0", name="named_drop"),
)
sa.Index("ix_rows_job_order", rows.c.job_id, rows.c.state, rows.c.pool_seq, rows.c.position)

exports = sa.Table(
    "exports",
    metadata,
    _id(),
    _reference("job_id", "jobs"),
    sa.Column("format", sa.Text, nullable=False),
    sa.Column("options", JSONB, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("row_count", sa.BigInteger),
    sa.Column("bytes", sa.BigInteger),
    sa.Column("sha256", sa.Text),
    sa.Column("manifest", JSONB),
    sa.Column("error", sa.Text),
    sa.Column("error_code", sa.Text),
    _time("hinted_at"),
    _time("created_at", default=True),
    _time("finished_at"),
)

sweeps = sa.Table(
    "sweeps",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    _time("ran_at", default=True),
)
