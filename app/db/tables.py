"""The tables of what a dataset is made of: seeds, teachers, jobs, pools, candidates and rows."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB, UUID

from app.db.schema import count, id_column, metadata, reference, time

seed_sets = sa.Table(
    "seed_sets",
    metadata,
    id_column(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("licence", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("tokens", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    count("row_count"),
    time("created_at", default=True),
    sa.Column("kind", sa.Text, nullable=False, server_default="tasks"),
)

# An equal seed file is the same set; equal documents may be in many sets.
sa.Index(
    "uq_seed_sets_sha256",
    seed_sets.c.sha256,
    unique=True,
    postgresql_where=seed_sets.c.kind == sa.literal_column("'tasks'"),
)

documents = sa.Table(
    "documents",
    metadata,
    id_column(),
    reference("seed_set_id", "seed_sets"),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("characters", sa.BigInteger, nullable=False),
    sa.Column("pages", sa.BigInteger),
    sa.Column("chunk_characters", sa.Integer, nullable=False),
    sa.Column("chunk_count", sa.BigInteger, nullable=False),
    sa.Column("problems", JSONB, nullable=False),
    time("created_at", default=True),
    sa.UniqueConstraint("seed_set_id", "name"),
)

seeds = sa.Table(
    "seeds",
    metadata,
    id_column(),
    reference("seed_set_id", "seed_sets"),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("external_id", sa.Text),
    sa.Column("name", sa.Text),
    sa.Column("instruction", sa.Text, nullable=False),
    sa.Column("instances", JSONB, nullable=False),
    sa.Column("is_classification", sa.Boolean),
    sa.Column("facts", JSONB),
    sa.UniqueConstraint("seed_set_id", "position"),
)

teachers = sa.Table(
    "teachers",
    metadata,
    id_column(),
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
    time("created_at", default=True),
)

pools = sa.Table(
    "pools",
    metadata,
    id_column(),
    sa.Column("tokens", sa.Text, nullable=False),
    sa.Column("threshold", sa.Float, nullable=False),
    sa.Column("exact_duplicates", sa.Boolean, nullable=False),
    sa.Column("semantic_threshold", sa.Float),
    reference("embedder_id", "teachers", nullable=True, ondelete="RESTRICT"),
    count("last_seq"),
    count("seed_count"),
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
    id_column(),
    sa.Column("name", sa.Text, nullable=False),
    reference("seed_set_id", "seed_sets", nullable=True, ondelete="RESTRICT"),
    reference("labelled_set_id", "labelled_sets", nullable=True, ondelete="RESTRICT"),
    reference("template_set_id", "template_sets", nullable=True, ondelete="RESTRICT"),
    # None where the method makes no calls.
    reference("teacher_id", "teachers", nullable=True, ondelete="RESTRICT"),
    reference("pool_id", "pools", ondelete="RESTRICT"),
    reference("embedder_id", "teachers", nullable=True, ondelete="RESTRICT"),
    # The accepted rows as instruction and input; there is one only when they are compared too.
    reference("row_pool_id", "pools", nullable=True, ondelete="RESTRICT"),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("profile", sa.Text, nullable=False),
    sa.Column("options", JSONB, nullable=False),
    # A user's own prompt texts by name, in the place of ours.
    sa.Column("prompts", JSONB, nullable=False, server_default="{}"),
    # The filters that are on, with their settings; null for those that the method may not apply.
    sa.Column("filters", JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")),
    # What counts as an overlap with the job's evaluation sets.
    sa.Column("decontamination", JSONB),
    sa.Column("random_seed", sa.BigInteger, nullable=False),
    sa.Column("delivery", sa.Text, nullable=False, server_default="calls"),
    sa.Column("target_rows", sa.BigInteger, nullable=False),
    sa.Column("cap_calls", sa.BigInteger, nullable=False),
    sa.Column("cap_micro_usd", sa.BigInteger),
    count("spent_micro_usd"),
    count("reserved_micro_usd"),
    count("calls"),
    sa.Column("reuse", sa.Text, nullable=False, server_default="never"),
    count("reused_calls"),
    count("saved_micro_usd"),
    count("next_propose"),
    count("next_answer"),
    sa.Column("simulated", sa.Boolean, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("detail", sa.Text),
    time("created_at", default=True),
    time("started_at"),
    time("finished_at"),
    time("hinted_at"),
    # Rounds of embedding calls that failed one after the other, and when the next may begin.
    sa.Column("embedder_failures", sa.Integer, nullable=False, server_default="0"),
    time("embedder_not_before"),
    time("updated_at", default=True),
    sa.CheckConstraint("spent_micro_usd >= 0 AND reserved_micro_usd >= 0", name="money"),
)

sa.Index("ix_jobs_labelled_set_id", jobs.c.labelled_set_id)
sa.Index("ix_jobs_template_set_id", jobs.c.template_set_id)
sa.Index("ix_jobs_live", jobs.c.id, postgresql_where=jobs.c.finished_at.is_(None))

job_counts = sa.Table(
    "job_counts",
    metadata,
    sa.Column("job_id", sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("family", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    count("n"),
)

# How a job stood every now and then, densest in its first minutes: what its curves are drawn from.
job_samples = sa.Table(
    "job_samples",
    metadata,
    sa.Column("job_id", sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), primary_key=True),
    *(
        sa.Column(name, sa.BigInteger, nullable=False)
        for name in ("accepted", "candidates", "novel", "dropped", "calls", "spent_micro_usd")
    ),
)

# What the counters of deleted jobs had come to, so that no total ever falls.
past_counts = sa.Table(
    "past_counts",
    metadata,
    sa.Column("teacher_id", UUID(as_uuid=True), primary_key=True),
    sa.Column("family", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    count("n"),
)

job_events = sa.Table(
    "job_events",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    reference("job_id", "jobs"),
    sa.Column("from_state", sa.Text),
    sa.Column("to_state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("detail", sa.Text),
    time("at", default=True),
    sa.Index("ix_job_events_job_id_id", "job_id", "id"),
)

conversations = sa.Table(
    "conversations",
    metadata,
    id_column(),
    reference("job_id", "jobs"),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("candidate_id", UUID(as_uuid=True)),
    sa.Column("sources", JSONB, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    # Asked for by a retry: carried to its end even when the job needs no more rows.
    sa.Column("wanted", sa.Boolean, nullable=False, server_default="false"),
    time("created_at", default=True),
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
    id_column(),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("process", sa.Integer, nullable=False),
    time("started_at", default=True),
    time("heartbeat_at", default=True),
    # How its doors to the teachers stood at the last heartbeat.
    sa.Column("gates", JSONB, nullable=False, server_default=sa.text("'[]'::jsonb")),
)

candidates = sa.Table(
    "candidates",
    metadata,
    id_column(),
    reference("job_id", "jobs"),
    reference("pool_id", "pools"),
    reference("conversation_id", "conversations"),
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
    time("created_at", default=True),
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

sa.Index(
    "ix_candidates_dropped",
    candidates.c.job_id,
    candidates.c.id,
    postgresql_where=candidates.c.state.in_(["duplicate", "rejected"]),
)

rows = sa.Table(
    "rows",
    metadata,
    id_column(),
    reference("job_id", "jobs"),
    reference("candidate_id", "candidates"),
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
    # What filters that only flag, and evaluation sets, found in a row that stands.
    sa.Column("flags", ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Column("verdict", sa.Text),
    # Of a row dropped for its likeness to another: which one, and their ROUGE-L F-measure.
    sa.Column("nearest_row_id", UUID(as_uuid=True)),
    sa.Column("nearest_score", sa.Float),
    sa.Column("simulated", sa.Boolean, nullable=False),
    time("created_at", default=True),
    sa.UniqueConstraint("candidate_id", "position"),
    sa.CheckConstraint("state <> 'rejected' OR cardinality(reasons) > 0", name="named_drop"),
)

sa.Index("ix_rows_job_order", rows.c.job_id, rows.c.state, rows.c.pool_seq, rows.c.position)
sa.Index(
    "ix_rows_reviewed",
    rows.c.job_id,
    rows.c.verdict,
    postgresql_where=rows.c.verdict.is_not(None),
)

# What judging jobs said of rows: every score by criterion and sample, and their mean. The last call
# of the judgement names the prompt's version and the model.
row_scores = sa.Table(
    "row_scores",
    metadata,
    sa.Column("row_id", sa.ForeignKey("rows.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("judge_job_id", sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("overall", sa.Double, nullable=False),
    sa.Column("scores", JSONB, nullable=False),
    sa.Column("slot_id", UUID(as_uuid=True)),
    time("created_at", default=True),
    sa.Index("ix_row_scores_judge_job_id", "judge_job_id"),
)

exports = sa.Table(
    "exports",
    metadata,
    id_column(),
    reference("job_id", "jobs"),
    sa.Column("format", sa.Text, nullable=False),
    sa.Column("options", JSONB, nullable=False),
    sa.Column("packaging", JSONB, nullable=False, server_default="{}"),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("row_count", sa.BigInteger),
    sa.Column("bytes", sa.BigInteger),
    sa.Column("sha256", sa.Text),
    sa.Column("manifest", JSONB),
    sa.Column("error", sa.Text),
    sa.Column("error_code", sa.Text),
    time("hinted_at"),
    time("created_at", default=True),
    time("finished_at"),
)

training_runs = sa.Table(
    "training_runs",
    metadata,
    id_column(),
    # A run keeps its own copy of the rows, so it outlives the export.
    reference("export_id", "exports", nullable=True, ondelete="SET NULL"),
    # Whose rows those are, also when the export is gone; the job cannot be deleted before the run.
    sa.Column("job_id", UUID(as_uuid=True)),
    sa.Column("base_model", sa.Text, nullable=False),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("settings", JSONB, nullable=False),
    sa.Column("held_out", sa.Double, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("phase", sa.Text),
    sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
    # Workers that were lost with it, one after the other: a run that kills them must not go on.
    sa.Column("lost", sa.Integer, nullable=False, server_default="0"),
    sa.Column("stop_mode", sa.Text),
    sa.Column("worker", sa.Text),
    sa.Column("progress", JSONB),
    sa.Column("dry_run", sa.Boolean, nullable=False, server_default="false"),
    # The shares and repeats of a worth curve; null: one training.
    sa.Column("worth", JSONB),
    sa.Column("plan", JSONB),
    sa.Column("metrics", JSONB),
    sa.Column("bytes", sa.BigInteger),
    sa.Column("sha256", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("error_code", sa.Text),
    time("leased_until"),
    time("created_at", default=True),
    time("started_at"),
    time("finished_at"),
    sa.Index(
        "ix_training_runs_open",
        "id",
        postgresql_where=sa.text("state IN ('queued', 'running', 'stopping')"),
    ),
)

sweeps = sa.Table(
    "sweeps",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    time("ran_at", default=True),
)

# Under which key of a caller's something was created, and by which body; see `app.db.once`.
idempotency_keys = sa.Table(
    "idempotency_keys",
    metadata,
    sa.Column("address", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("digest", BYTEA, nullable=False),
    sa.Column("made_id", UUID(as_uuid=True)),
    time("created_at", default=True),
)
