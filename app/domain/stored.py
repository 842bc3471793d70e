"""What the service keeps, as values: seed sets, teachers, jobs, calls, candidates, exports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from app.domain.lifecycle import (
    BatchState,
    CandidateState,
    Delivery,
    EmbeddingCallState,
    ExportState,
    JobState,
    RowState,
    SlotState,
    StopMode,
    TrainingState,
)
from app.domain.records import SeedInstance, SeedKind
from app.domain.reuse import Reuse
from app.domain.warnings import Warned, cut_warning

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page of a list and the cursor of the next, None on the last."""

    items: Sequence[Item]
    next: str | None


@dataclass(frozen=True, slots=True)
class SeedSet:
    """A set of seed tasks, or of chunks; `tokens` is the tokenizer that its novelty checks use.

    `sha256` is that of the uploaded file, or of what a set of documents lists.
    """

    id: UUID
    name: str
    language: str
    licence: str
    source: str
    tokens: str
    sha256: str
    row_count: int
    created_at: datetime
    kind: str = SeedKind.TASKS


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """One document of a set; `problems` are those that it was taken with."""

    id: UUID
    seed_set_id: UUID
    position: int
    name: str
    kind: str
    sha256: str
    bytes: int
    characters: int
    pages: int | None
    chunk_characters: int
    chunk_count: int
    problems: Sequence[Mapping[str, object]]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class StoredSeed:
    """One seed of a set; `position` counts from 0 in file order."""

    id: UUID
    position: int
    external_id: str | None
    name: str | None
    instruction: str
    instances: tuple[SeedInstance, ...]
    is_classification: bool | None
    facts: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """A set that rows are held against, so that nobody trains on it; `row_count` counts items."""

    id: UUID
    name: str
    licence: str
    source: str
    sha256: str
    row_count: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class StoredItem:
    """One item of an evaluation set; `position` counts from 0 in file order."""

    position: int
    instruction: str
    instances: tuple[SeedInstance, ...]


@dataclass(frozen=True, slots=True)
class TeacherRecord:
    """A teacher as faces see it: never its key, only the last four characters."""

    id: UUID
    name: str
    base_url: str
    model: str
    endpoint: str
    key_last4: str | None
    input_micro_usd_per_million: int | None
    output_micro_usd_per_million: int | None
    batch_input_micro_usd_per_million: int | None
    batch_output_micro_usd_per_million: int | None
    context_length: int | None
    max_concurrency: int
    requests_per_minute: int | None
    tokens_per_minute: int | None
    extra_body: Mapping[str, object]
    timeout_s: float
    terms: str
    simulated: bool
    created_at: datetime
    sealed_key: bytes | None = field(default=None, repr=False)

    def priced_for(self, delivery: Delivery) -> "TeacherRecord":
        """This teacher with the prices of that delivery as its prices."""
        if delivery is Delivery.CALLS:
            return self
        return replace(
            self,
            input_micro_usd_per_million=self.batch_input_micro_usd_per_million,
            output_micro_usd_per_million=self.batch_output_micro_usd_per_million,
        )


@dataclass(frozen=True, slots=True)
class Job:
    """One run of a method; money in micro-USD, `calls` counts what was sent to the teacher.

    A method that makes no calls has no teacher, and one that draws from elsewhere no seed set.
    `reused_calls` were not sent: a stored reply stood for each, and they saved `saved_micro_usd`.
    """

    id: UUID
    name: str
    seed_set_id: UUID | None
    labelled_set_id: UUID | None
    template_set_id: UUID | None
    teacher_id: UUID | None
    pool_id: UUID
    embedder_id: UUID | None
    row_pool_id: UUID | None
    method: str
    profile: str
    options: Mapping[str, object]
    prompts: Mapping[str, str]
    filters: Mapping[str, Mapping[str, object] | None]
    decontamination: Mapping[str, object] | None
    random_seed: int
    delivery: Delivery
    target_rows: int
    cap_calls: int
    cap_micro_usd: int | None
    spent_micro_usd: int
    reserved_micro_usd: int
    calls: int
    reuse: Reuse
    reused_calls: int
    saved_micro_usd: int
    next_propose: int
    next_answer: int
    simulated: bool
    state: JobState
    reason: str | None
    detail: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class SetOverlaps:
    """How many rows of a job overlap with one evaluation set, by rule."""

    evaluation_set_id: UUID
    by_rule: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far a job is: counts of calls, candidates, rows, and every named drop and flag."""

    job: Job
    calls: Mapping[str, int]
    candidates: Mapping[str, int]
    rows: Mapping[str, int]
    drops: Mapping[str, int]
    errors: Mapping[str, int]
    replies_cut: int = 0
    flags: Mapping[str, int] = field(default_factory=dict[str, int])
    overlaps: Sequence[SetOverlaps] = ()

    @property
    def warnings(self) -> Sequence[Warned]:
        """What a person should know although the job goes on."""
        read = self.calls.get("accepted", 0) + self.calls.get("rejected", 0)
        return [warning] if (warning := cut_warning(self.replies_cut, read)) else []

    @property
    def accepted_rows(self) -> int:
        return self.rows.get("accepted", 0)

    @property
    def micro_usd_per_accepted_row(self) -> int | None:
        """What a row has cost so far, rounded up; None before the first."""
        accepted = self.accepted_rows
        return -(-self.job.spent_micro_usd // accepted) if accepted else None

    @property
    def surplus(self) -> int:
        """Accepted rows beyond the target: paid for, kept, not exported."""
        return max(0, self.accepted_rows - self.job.target_rows)


@dataclass(frozen=True, slots=True)
class JobEvent:
    """One move of a job."""

    id: int
    from_state: str | None
    to_state: str
    reason: str | None
    detail: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class PoolRecord:
    """A pool of instructions among which no two may be too alike.

    `semantic_threshold` is a cosine, compared with the vectors of `embedder_id`; None is no
    semantic rule.
    """

    id: UUID
    tokens: str
    threshold: float
    exact_duplicates: bool
    last_seq: int = 0
    seed_count: int = 0
    semantic_threshold: float | None = None
    embedder_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ConversationRecord:
    """One conversation: what it was drawn from, by ids and in order, so that it can be repeated."""

    id: UUID
    job_id: UUID
    kind: str
    number: int
    candidate_id: UUID | None
    sources: Sequence[Mapping[str, object]]
    state: str


@dataclass(frozen=True, slots=True)
class SlotRecord:
    """One call slot as the engine sees it."""

    id: UUID
    job_id: UUID
    conversation_id: UUID
    kind: str
    number: int
    position: int
    state: SlotState
    attempt: int
    failures: int
    strikes: int
    reserved_micro_usd: int
    answered_attempt: int | None


@dataclass(frozen=True, slots=True)
class NewSlot:
    """A call slot that is to be stored, ready: the prompt is written once and seldom read."""

    id: UUID
    job_id: UUID
    conversation_id: UUID
    kind: str
    number: int
    position: int
    step: str
    prompt: Mapping[str, object]
    digest: str


@dataclass(frozen=True, slots=True)
class TeacherBatch:
    """Calls that a teacher is given as one file; prices and model are those of when it was made.

    `tries` counts the steps that failed in a row, `polls` those that found nothing new.
    """

    id: UUID
    job_id: UUID
    teacher_id: UUID
    state: BatchState
    endpoint: str
    model: str
    input_micro_usd_per_million: int
    output_micro_usd_per_million: int
    requests: int
    input_file_id: str | None
    provider_batch_id: str | None
    provider_state: str | None
    output_file_id: str | None
    error_file_id: str | None
    completed: int
    failed: int
    tries: int
    polls: int
    detail: str | None
    created_at: datetime
    submitted_at: datetime | None
    ended_at: datetime | None
    next_step_at: datetime | None


@dataclass(frozen=True, slots=True)
class EmbeddingCall:
    """One call for vectors; `texts` counts them, `model` names what makes the vectors."""

    id: UUID
    job_id: UUID
    teacher_id: UUID
    worker_id: UUID
    model: str
    texts: int
    state: EmbeddingCallState
    reserved_micro_usd: int


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call slot as faces see it, with what its last attempt brought.

    `reused_from_*` name the earlier call whose stored reply stands for this one.
    """

    id: UUID
    kind: str
    number: int
    position: int
    step: str
    state: SlotState
    attempt: int
    reason: str | None
    detail: str | None
    status: int | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_micro_usd: int | None
    reused_from_job_id: UUID | None
    reused_from_slot_id: UUID | None
    saved_micro_usd: int | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class CandidateRecord:
    """One candidate instruction, its fate, and the nearest row of the pool.

    `facts` say what else is known of it, such as the template and the row that it came from.
    """

    id: UUID
    instruction: str
    is_classification: bool | None
    state: CandidateState
    reasons: tuple[str, ...]
    nearest_score: float | None
    nearest_cosine: float | None
    nearest_text: str | None
    facts: Mapping[str, str] | None
    number: int
    position: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RowRecord:
    """One row of the dataset as faces see it."""

    id: UUID
    job_id: UUID
    candidate_id: UUID
    slot_id: UUID | None
    pool_seq: int
    position: int
    instruction: str
    input: str
    output: str
    is_classification: bool | None
    messages: Sequence[Mapping[str, str]] | None
    facts: Mapping[str, str] | None
    state: RowState
    reasons: tuple[str, ...]
    flags: tuple[str, ...]
    verdict: str | None
    nearest_row_id: UUID | None
    nearest_score: float | None
    simulated: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RowScore:
    """What a judging job said of a row: every sample's score by criterion, and their mean.

    `model` and `prompt_version` are those of the judgement's last call; None where none was made.
    """

    judge_job_id: UUID
    judge: str
    overall: float
    scores: Mapping[str, Sequence[float]]
    model: str | None
    prompt_version: str | None
    slot_id: UUID | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ExportRecord:
    """One export: a file of the first N accepted rows of a job, in one format."""

    id: UUID
    job_id: UUID
    format: str
    options: Mapping[str, object]
    packaging: Mapping[str, object]
    state: ExportState
    row_count: int | None
    bytes: int | None
    sha256: str | None
    manifest: Mapping[str, object] | None
    error: str | None
    error_code: str | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """One training run: a base model tuned on an export.

    `attempt` counts the workers that took it; whoever took it last may write. `progress` is the
    last line that the trainer told, `plan` what it counted before its first step, which is all
    that a `dry_run` does, and `metrics` what it found in the end: with `worth` a whole curve's.
    """

    id: UUID
    export_id: UUID | None
    base_model: str
    method: str
    settings: Mapping[str, object]
    held_out: float
    dry_run: bool
    worth: Mapping[str, object] | None
    state: TrainingState
    phase: str | None
    attempt: int
    lost: int
    stop_mode: StopMode | None
    worker: str | None
    progress: Mapping[str, object] | None
    plan: Mapping[str, object] | None
    metrics: Mapping[str, object] | None
    bytes: int | None
    sha256: str | None
    error: str | None
    error_code: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
