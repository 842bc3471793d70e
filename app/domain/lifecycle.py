"""The state machines: for each one enum, one table of moves and one drawing.

Job

    queued ──> running <──> paused
      │          │  │          │
      │          │  └─> succeeded | failed      (queued ──> failed as well)
      └────┬─────┴─────────────┘
           v
       cancelling ──> cancelled          succeeded | failed ──retry──> running

Call slot (one call to the teacher that was asked for)

    ready ──> in_flight ──> received ──> done | rejected | quarantined
      ^          │  │  └──> failed | quarantined
      │          │  v
      └──────────┴─ unknown ──> failed | quarantined
    failed | quarantined ──retry──> ready
    ready ──late or reused reply──> received          ready ──the job ends──> failed

Candidate

    proposed ──> novel | duplicate | rejected      (rejected at birth when a rule drops it)

Conversation

    open ──> done | failed ──retry──> open

Embedding call

    in_flight ──> answered | failed | unknown

Batch (calls that a teacher is given as one file, at its batch price)

    claimed ──> uploaded <──> creating ──> running ──> collecting ──> collected
       │           │             │ │         │  └─> cancelling ─^         │
       └───────────┴──> withdrawn <┘         v                           v
                                 └─────────> lost <──────────────────────┘

Export

    queued ──> running ──> ready | failed

Training run

    queued <──> running ──> succeeded | failed ──resume──> queued
      │            │
      v            v
    cancelled <── stopping ──> stopped ──resume──> queued      stopping ──> succeeded | failed
"""

from collections.abc import Mapping
from enum import StrEnum


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    CANCELLED = "cancelled"
    FAILED = "failed"


class JobReason(StrEnum):
    """Why a job is where it stands."""

    TARGET_REACHED = "target_reached"
    NOVELTY_EXHAUSTED = "novelty_exhausted"
    SOURCES_EXHAUSTED = "sources_exhausted"
    BUDGET_EXHAUSTED = "budget_exhausted"
    CALLS_EXHAUSTED = "calls_exhausted"
    OPTIONS_NOT_UNDERSTOOD = "options_not_understood"
    NO_USABLE_REPLIES = "no_usable_replies"
    TEACHER_UNHEALTHY = "teacher_unhealthy"
    TEACHER_REFUSED = "teacher_refused"
    TEACHER_UNAUTHORIZED = "teacher_unauthorized"
    TEACHER_QUOTA = "teacher_quota"
    COST_ABOVE_RESERVATION = "cost_above_reservation"
    UNKNOWN_CHARGES = "unknown_charges"
    EMBEDDER_UNHEALTHY = "embedder_unhealthy"
    EMBEDDER_REFUSED = "embedder_refused"
    EMBEDDER_UNAUTHORIZED = "embedder_unauthorized"
    EMBEDDER_QUOTA = "embedder_quota"
    REQUESTED = "requested"
    RETRY_FAILED = "retry_failed"


class SlotState(StrEnum):
    """Where a call slot stands; accepted in the counts means done."""

    READY = "ready"
    IN_FLIGHT = "in_flight"
    RECEIVED = "received"
    DONE = "done"
    REJECTED = "rejected"
    FAILED = "failed"
    QUARANTINED = "quarantined"
    UNKNOWN = "unknown"


class CandidateState(StrEnum):
    """Where a candidate instruction stands."""

    PROPOSED = "proposed"
    NOVEL = "novel"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


class RowState(StrEnum):
    """Whether the quality rules let a row pass."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


class EmbeddingCallState(StrEnum):
    """Where a call for vectors stands."""

    IN_FLIGHT = "in_flight"
    ANSWERED = "answered"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Delivery(StrEnum):
    """How a job's calls reach the teacher: one by one, or many as one file at its batch price."""

    CALLS = "calls"
    BATCH = "batch"


class BatchState(StrEnum):
    """Where a batch of calls stands, as this service sees it."""

    CLAIMED = "claimed"
    UPLOADED = "uploaded"
    CREATING = "creating"
    RUNNING = "running"
    CANCELLING = "cancelling"
    COLLECTING = "collecting"
    COLLECTED = "collected"
    WITHDRAWN = "withdrawn"
    LOST = "lost"


class ConversationKind(StrEnum):
    """What a conversation is for."""

    PROPOSE = "propose"
    ANSWER = "answer"


class ConversationState(StrEnum):
    """Whether a conversation still waits for completions."""

    OPEN = "open"
    DONE = "done"
    FAILED = "failed"


class ExportState(StrEnum):
    """Where an export stands."""

    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"


class TrainingState(StrEnum):
    """Where a training run stands; what it does while it runs is its phase."""

    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StopMode(StrEnum):
    """What a stopped training run leaves: a checkpoint to go on from, or nothing."""

    SAVE = "save"
    DISCARD = "discard"


JOB_MOVES: Mapping[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset(
        {JobState.RUNNING, JobState.PAUSED, JobState.CANCELLING, JobState.FAILED}
    ),
    JobState.RUNNING: frozenset(
        {JobState.PAUSED, JobState.CANCELLING, JobState.SUCCEEDED, JobState.FAILED}
    ),
    JobState.PAUSED: frozenset({JobState.RUNNING, JobState.CANCELLING}),
    JobState.CANCELLING: frozenset({JobState.CANCELLED}),
    JobState.SUCCEEDED: frozenset({JobState.RUNNING}),
    JobState.FAILED: frozenset({JobState.RUNNING}),
    JobState.CANCELLED: frozenset(),
}

SLOT_MOVES: Mapping[SlotState, frozenset[SlotState]] = {
    SlotState.READY: frozenset({SlotState.IN_FLIGHT, SlotState.RECEIVED, SlotState.FAILED}),
    SlotState.IN_FLIGHT: frozenset(
        {
            SlotState.RECEIVED,
            SlotState.READY,
            SlotState.UNKNOWN,
            SlotState.FAILED,
            SlotState.QUARANTINED,
        }
    ),
    SlotState.UNKNOWN: frozenset({SlotState.READY, SlotState.FAILED, SlotState.QUARANTINED}),
    SlotState.RECEIVED: frozenset({SlotState.DONE, SlotState.REJECTED, SlotState.QUARANTINED}),
    SlotState.FAILED: frozenset({SlotState.READY}),
    SlotState.QUARANTINED: frozenset({SlotState.READY}),
    SlotState.DONE: frozenset(),
    SlotState.REJECTED: frozenset(),
}

CANDIDATE_MOVES: Mapping[CandidateState, frozenset[CandidateState]] = {
    CandidateState.PROPOSED: frozenset(
        {CandidateState.NOVEL, CandidateState.DUPLICATE, CandidateState.REJECTED}
    ),
    CandidateState.NOVEL: frozenset(),
    CandidateState.DUPLICATE: frozenset(),
    CandidateState.REJECTED: frozenset(),
}

BATCH_MOVES: Mapping[BatchState, frozenset[BatchState]] = {
    BatchState.CLAIMED: frozenset({BatchState.UPLOADED, BatchState.WITHDRAWN}),
    BatchState.UPLOADED: frozenset({BatchState.CREATING, BatchState.WITHDRAWN}),
    BatchState.CREATING: frozenset(
        {BatchState.UPLOADED, BatchState.RUNNING, BatchState.WITHDRAWN, BatchState.LOST}
    ),
    BatchState.RUNNING: frozenset({BatchState.CANCELLING, BatchState.COLLECTING, BatchState.LOST}),
    BatchState.CANCELLING: frozenset({BatchState.COLLECTING, BatchState.LOST}),
    BatchState.COLLECTING: frozenset({BatchState.COLLECTED, BatchState.LOST}),
    BatchState.COLLECTED: frozenset(),
    BatchState.WITHDRAWN: frozenset(),
    BatchState.LOST: frozenset(),
}
# While a batch is in one of these its calls are its own, whatever becomes of a worker.
LIVE_BATCH_STATES = frozenset(state for state, targets in BATCH_MOVES.items() if targets)

# Of training runs and comparisons: those that a worker has, and those that are not over.
HELD_TRAINING_STATES = frozenset({TrainingState.RUNNING, TrainingState.STOPPING})
OPEN_TRAINING_STATES = HELD_TRAINING_STATES | {TrainingState.QUEUED}
FINAL_JOB_STATES = frozenset({JobState.SUCCEEDED, JobState.CANCELLED, JobState.FAILED})
PENDING_SLOT_STATES = frozenset(
    {SlotState.READY, SlotState.IN_FLIGHT, SlotState.RECEIVED, SlotState.UNKNOWN}
)


def sources_of(target: JobState) -> frozenset[JobState]:
    """The states from which a job may move to `target`."""
    return frozenset(state for state, targets in JOB_MOVES.items() if target in targets)


def call_counts(by_state: Mapping[str, int]) -> Mapping[str, int]:
    """Slot counts as every face reports them: accepted + rejected + failed + pending = issued."""
    failed = by_state.get(SlotState.FAILED, 0) + by_state.get(SlotState.QUARANTINED, 0)
    return {
        "issued": sum(by_state.get(state, 0) for state in SlotState),
        "accepted": by_state.get(SlotState.DONE, 0),
        "rejected": by_state.get(SlotState.REJECTED, 0),
        "failed": failed,
        "pending": sum(by_state.get(state, 0) for state in PENDING_SLOT_STATES),
    }


TRAINING_MOVES: Mapping[TrainingState, frozenset[TrainingState]] = {
    TrainingState.QUEUED: frozenset({TrainingState.RUNNING, TrainingState.CANCELLED}),
    TrainingState.RUNNING: frozenset(
        {
            TrainingState.QUEUED,
            TrainingState.STOPPING,
            TrainingState.STOPPED,
            TrainingState.SUCCEEDED,
            TrainingState.FAILED,
        }
    ),
    TrainingState.STOPPING: frozenset(
        {
            TrainingState.STOPPED,
            TrainingState.CANCELLED,
            TrainingState.SUCCEEDED,
            TrainingState.FAILED,
        }
    ),
    TrainingState.STOPPED: frozenset({TrainingState.QUEUED}),
    TrainingState.FAILED: frozenset({TrainingState.QUEUED}),
    TrainingState.SUCCEEDED: frozenset(),
    TrainingState.CANCELLED: frozenset(),
}
