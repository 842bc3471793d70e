"""The first commit of embedding calls: claim their texts and reserve what they may cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from app.db import embeddings, jobs, paid, teachers
from app.db.engine import Connection
from app.db.ids import new_id
from app.domain.lifecycle import EmbeddingCallState, JobReason, JobState
from app.domain.stored import EmbeddingCall, Job
from app.domain.vectors import Vector
from app.llm.embeddings import embedding_cost_micro_usd, most_embedding_tokens
from app.llm.teacher import Call, Teacher, Texts
from app.runtime import Runtime
from app.use_cases.ending import end_job

MOST_CALLS = 8  # under way at once for one batch of candidates
MOST_BYTES = 100_000  # of a call's texts: providers bound the tokens of a call as well


@dataclass(frozen=True, slots=True)
class EmbedderChoice:
    """The embedder of a pool as it is now; `model` names what makes the vectors."""

    teacher_id: UUID
    name: str
    model: str
    teacher: Teacher


@dataclass(frozen=True, slots=True)
class ClaimedCall:
    """A call to make, its reservation committed, and the texts that it is for, by digest."""

    call: Call
    texts: Mapping[bytes, str]

    @property
    def id(self) -> UUID:
        return UUID(self.call.key)


@dataclass(frozen=True, slots=True)
class Claims:
    """Vectors that are stored, and calls to make for others.

    `wait_s` says when to come again if there is neither; None when that is of no use now.
    """

    known: Mapping[bytes, Vector] = field(default_factory=dict[bytes, Vector])
    calls: Sequence[ClaimedCall] = ()
    wait_s: float | None = None


def claim_texts(
    runtime: Runtime,
    worker_id: UUID,
    choice: EmbedderChoice,
    job_id: UUID,
    groups: Sequence[Mapping[bytes, str]],
) -> Claims:
    """Claim groups of texts, each a call, within the job's cap and the embedder's concurrency."""
    with runtime.database.transaction() as connection:
        job = jobs.lock(connection, job_id)
        wanted = [digest for group in groups for digest in group]
        stored = embeddings.vectors(connection, choice.teacher_id, choice.model, wanted)
        known = {digest: vector for digest, vector in stored.items() if vector is not None}
        missing = [
            {digest: text for digest, text in group.items() if digest not in stored}
            for group in groups
        ]
        missing = [group for group in missing if group]
        if job is None or job.state is not JobState.RUNNING:
            return Claims(known)
        if not missing:
            return Claims(known, wait_s=0.1 if len(known) < len(set(wanted)) else None)
        _, wait_s = jobs.embedder_pause(connection, job_id)
        room = _room(connection, choice)
        if wait_s or not room:
            return Claims(known, wait_s=wait_s or 0.1)
        return _claim(connection, worker_id, choice, job, missing[:room], known)


def _room(connection: Connection, choice: EmbedderChoice) -> int:
    """How many more calls the embedder takes; its row is locked, so that nobody counts twice."""
    record = teachers.get(connection, choice.teacher_id, for_update=True)
    if record is None:
        return 0
    under_way = embeddings.in_flight(connection, teacher_id=choice.teacher_id)
    return min(MOST_CALLS, record.max_concurrency - under_way)


def _claim(
    connection: Connection,
    worker_id: UUID,
    choice: EmbedderChoice,
    job: Job,
    groups: Sequence[Mapping[bytes, str]],
    known: Mapping[bytes, Vector],
) -> Claims:
    affordable = _affordable(choice.teacher, job, groups)
    if not affordable:
        if job.reserved_micro_usd == 0:
            detail = f"The next embedding could pass the cap of {job.cap_micro_usd} micro-USD."
            end_job(connection, job, JobState.SUCCEEDED, JobReason.BUDGET_EXHAUSTED, detail)
            return Claims(known)
        return Claims(known, wait_s=0.1)
    owners = {digest: call_id for call_id, group in affordable.items() for digest in group}
    ours = embeddings.claim(connection, choice.teacher_id, choice.model, owners)
    calls = [
        ClaimedCall(_call(choice, call_id, texts), texts)
        for call_id, group in affordable.items()
        if (texts := {digest: text for digest, text in group.items() if digest in ours})
    ]
    _reserve(connection, worker_id, choice, job, calls)
    return Claims(known, calls, wait_s=0.1)


def _affordable(
    teacher: Teacher, job: Job, groups: Sequence[Mapping[bytes, str]]
) -> dict[UUID, dict[bytes, str]]:
    """The first texts whose upper bounds fit under the cap, each group as a call of its own."""
    calls: dict[UUID, dict[bytes, str]] = {}
    committed = job.spent_micro_usd + job.reserved_micro_usd
    for group in groups:
        fitting = dict(group)
        while fitting and not _fits(job, committed + _most_micro_usd(teacher, fitting)):
            # Half of it may fit; the rest waits.
            fitting = dict(list(fitting.items())[: len(fitting) // 2])
        if fitting:
            committed += _most_micro_usd(teacher, fitting)
            calls[new_id()] = fitting
        if len(fitting) < len(group):
            break
    return calls


def _fits(job: Job, total: int) -> bool:
    return job.cap_micro_usd is None or total <= job.cap_micro_usd


def _most_micro_usd(teacher: Teacher, texts: Mapping[bytes, str]) -> int:
    return embedding_cost_micro_usd(teacher, most_embedding_tokens(Texts(tuple(texts.values()))))


def _call(choice: EmbedderChoice, call_id: UUID, texts: Mapping[bytes, str]) -> Call:
    return Call(str(call_id), 1, choice.teacher, Texts(tuple(texts.values())))


def _reserve(
    connection: Connection,
    worker_id: UUID,
    choice: EmbedderChoice,
    job: Job,
    calls: Sequence[ClaimedCall],
) -> None:
    if not calls:
        return
    records = [
        EmbeddingCall(
            id=each.id,
            job_id=job.id,
            teacher_id=choice.teacher_id,
            worker_id=worker_id,
            model=choice.model,
            texts=len(each.texts),
            state=EmbeddingCallState.IN_FLIGHT,
            reserved_micro_usd=_most_micro_usd(choice.teacher, each.texts),
        )
        for each in calls
    ]
    embeddings.insert_calls(connection, records)
    total = sum(each.reserved_micro_usd for each in records)
    jobs.add(connection, job.id, reserved_micro_usd=total)
    paid.write_ledger(connection, [_entry(each) for each in records])


def _entry(call: EmbeddingCall) -> Mapping[str, object]:
    return {
        "job_id": call.job_id,
        "embedding_call_id": call.id,
        "attempt": 1,
        "entry": "reserve_embedding",
        "reserved_delta": call.reserved_micro_usd,
        "spent_delta": 0,
    }
