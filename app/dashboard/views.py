"""What the pages show of a job: numbers with their bars, words for states, moves that are open."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.dashboard.numbers import dollars, duration, number
from app.domain.lifecycle import FINAL_JOB_STATES, JOB_MOVES, CandidateState, JobState
from app.domain.stored import Job, JobProgress

_LABELS = {"rouge_l": "near-duplicate (ROUGE-L)"}
_ENDED_EARLY = frozenset({JobState.SUCCEEDED, JobState.FAILED})
ACTIVE = frozenset({JobState.QUEUED, JobState.RUNNING, JobState.CANCELLING})


@dataclass(frozen=True, slots=True)
class Bar:
    """A count with the share of the largest one, in per cent."""

    label: str
    count: int
    percent: float


@dataclass(frozen=True, slots=True)
class JobView:
    """One job as a page shows it; money and times are texts."""

    id: UUID
    name: str
    state: str
    reason: str | None
    detail: str | None
    method: str
    profile: str
    simulated: bool
    delivery: str
    rows: int
    target: int
    surplus: int
    percent: int
    calls: int
    dropped: int
    spent: str
    cap: str | None
    per_row: str | None
    reused_calls: int
    saved: str
    created_at: datetime
    elapsed: str | None
    rate: str | None
    left: str | None
    is_active: bool
    is_final: bool
    moves: tuple[str, ...]
    goes_on: bool
    warnings: tuple[str, ...]


def job_view(progress: JobProgress, rows_per_minute: float | None = None) -> JobView:
    """The head of a job; its rate is known while it runs."""
    job = progress.job
    rows = min(progress.accepted_rows, job.target_rows)
    per_row = progress.micro_usd_per_accepted_row
    return JobView(
        id=job.id,
        name=job.name,
        state=job.state,
        reason=None if job.reason is None else job.reason.replace("_", " "),
        detail=job.detail,
        method=job.method,
        profile=job.profile,
        simulated=job.simulated,
        delivery=job.delivery,
        rows=rows,
        target=job.target_rows,
        surplus=progress.surplus,
        percent=100 * rows // job.target_rows,
        calls=job.calls,
        dropped=sum(progress.drops.values()),
        spent=dollars(job.spent_micro_usd),
        cap=None if job.cap_micro_usd is None else dollars(job.cap_micro_usd),
        per_row=None if per_row is None else dollars(per_row),
        reused_calls=job.reused_calls,
        saved=dollars(job.saved_micro_usd),
        created_at=job.created_at,
        elapsed=_elapsed(job),
        rate=None if rows_per_minute is None else _rate(rows_per_minute),
        left=_left(job.target_rows - rows, rows_per_minute),
        is_active=job.state in ACTIVE,
        is_final=job.state in FINAL_JOB_STATES,
        moves=moves(job),
        goes_on=job.state in _ENDED_EARLY and rows < job.target_rows,
        warnings=tuple(each.detail for each in progress.warnings),
    )


def _rate(rows_per_minute: float) -> str:
    return number(round(rows_per_minute, 0 if rows_per_minute >= 10 else 1))


def _left(rows: int, rows_per_minute: float | None) -> str | None:
    """How long the rest takes at this rate."""
    return duration(60 * rows / rows_per_minute) if rows_per_minute else None


def moves(job: Job) -> tuple[str, ...]:
    """What a person may do with the job now."""
    allowed = JOB_MOVES[job.state]
    resumable = job.state is JobState.PAUSED
    offered = {
        "pause": JobState.PAUSED in allowed,
        "resume": resumable,
        "cancel": JobState.CANCELLING in allowed,
    }
    return tuple(name for name, fits in offered.items() if fits)


def funnel(progress: JobProgress) -> tuple[Bar, ...]:
    """From proposed instructions to rows: how much of each stage reached the next."""
    candidates = progress.candidates
    proposed = sum(candidates.values())
    stages = {
        "instructions proposed": proposed,
        "kept by the rules": proposed - candidates.get(CandidateState.REJECTED, 0),
        "novel": candidates.get(CandidateState.NOVEL, 0),
        "rows accepted": progress.accepted_rows,
    }
    return _bars(stages)


def counted(counts: Mapping[str, int]) -> tuple[Bar, ...]:
    """Counts by name, the largest first, names as people write them."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return _bars({_words(name): count for name, count in ordered if count})


def _words(name: str) -> str:
    return _LABELS.get(name, name.replace("_", " "))


def poll_interval_s(jobs: tuple[JobView, ...]) -> int:
    """How soon a page should ask again: soon while something happens, at leisure otherwise."""
    return 2 if any(job.is_active for job in jobs) else 15


def _bars(counts: Mapping[str, int]) -> tuple[Bar, ...]:
    largest = max(counts.values(), default=0) or 1
    return tuple(
        Bar(label, count, round(100 * count / largest, 1)) for label, count in counts.items()
    )


def _elapsed(job: Job) -> str | None:
    if job.started_at is None:
        return None
    end = job.finished_at if job.state in FINAL_JOB_STATES else None
    seconds = int(((end or job.updated_at) - job.started_at).total_seconds())
    return duration(seconds)
