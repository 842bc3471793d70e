"""The first commit of a call: claim its slot and reserve what it may cost."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.db import counts, jobs, slots, teachers
from app.db.counts import Tally
from app.db.engine import Connection
from app.domain.lifecycle import JobReason, JobState, SlotState
from app.domain.stored import Job, SlotRecord, TeacherRecord
from app.errors import Conflict, InvalidInput
from app.llm.pricing import estimate_micro_usd
from app.llm.teacher import Call, Teacher
from app.runtime import Runtime
from app.use_cases.ending import end_job
from app.use_cases.job_context import prompt_from_json
from app.use_cases.teachers import to_llm


@dataclass(frozen=True, slots=True)
class Claimed:
    """Calls to make, each with its reservation committed; `room` is what the teacher could take."""

    calls: Sequence[Call]
    room: int


def claim(runtime: Runtime, worker_id: UUID, job_id: UUID, limit: int) -> Claimed:
    """Take up to `limit` ready slots within the caps and the teacher's concurrency."""
    with runtime.database.transaction() as connection:
        job = jobs.lock(connection, job_id)
        if job is None or job.state is not JobState.RUNNING:
            return Claimed((), 0)
        record = teachers.get(connection, job.teacher_id, for_update=True)
        if record is None:
            return Claimed((), 0)
        room = min(limit, _room(connection, record), job.cap_calls - job.calls)
        ready = slots.claimable(connection, job_id, room) if room > 0 else ()
        return Claimed(_reserve(connection, runtime, worker_id, job, record, ready), room)


def _room(connection: Connection, record: TeacherRecord) -> int:
    return record.max_concurrency - slots.in_flight_of_teacher(connection, record.id)


def _reserve(
    connection: Connection,
    runtime: Runtime,
    worker_id: UUID,
    job: Job,
    record: TeacherRecord,
    ready: Sequence[SlotRecord],
) -> Sequence[Call]:
    try:
        teacher = to_llm(runtime, record)
    except Conflict as error:
        reason = JobReason.TEACHER_UNAUTHORIZED
        jobs.move(connection, job.id, JobState.PAUSED, reason=reason, detail=error.detail)
        return ()
    try:
        calls, amounts = _affordable(job, teacher, ready)
    except InvalidInput as error:  # the teacher lost its prices since the job was submitted
        reason = JobReason.TEACHER_REFUSED
        jobs.move(connection, job.id, JobState.PAUSED, reason=reason, detail=error.detail)
        return ()
    if not calls:
        if ready and job.reserved_micro_usd == 0:
            detail = f"The next call could pass the cap of {job.cap_micro_usd} micro-USD."
            end_job(connection, job, JobState.SUCCEEDED, JobReason.BUDGET_EXHAUSTED, detail)
        return ()
    slots.claim(connection, worker_id, amounts)
    total = sum(amounts.values())
    jobs.add(connection, job.id, reserved_micro_usd=total, calls=len(calls))
    slots.write_ledger(connection, [_entry(job.id, call, amounts) for call in calls])
    tally = Tally(
        {("slot", SlotState.READY): -len(calls), ("slot", SlotState.IN_FLIGHT): len(calls)}
    )
    counts.add(connection, job.id, tally)
    return calls


def _affordable(
    job: Job, teacher: Teacher, ready: Sequence[SlotRecord]
) -> tuple[list[Call], dict[UUID, int]]:
    """The first slots whose upper bounds fit under the cap, with those bounds."""
    calls: list[Call] = []
    amounts: dict[UUID, int] = {}
    committed = job.spent_micro_usd + job.reserved_micro_usd
    for slot in ready:
        prompt = prompt_from_json(slot.prompt)
        amount = estimate_micro_usd(teacher, prompt)
        if job.cap_micro_usd is not None and committed + amount > job.cap_micro_usd:
            break
        committed += amount
        amounts[slot.id] = amount
        calls.append(Call(str(slot.id), slot.attempt + 1, teacher, prompt))
    return calls, amounts


def _entry(job_id: UUID, call: Call, amounts: dict[UUID, int]) -> dict[str, object]:
    slot_id = UUID(call.key)
    return {
        "job_id": job_id,
        "slot_id": slot_id,
        "attempt": call.attempt,
        "entry": "reserve",
        "reserved_delta": amounts[slot_id],
        "spent_delta": 0,
    }


def take_back(
    runtime: Runtime, worker_id: UUID, job_id: UUID, sent: Collection[tuple[str, int]]
) -> int:
    """Undo claims that were committed although nobody heard of it; `sent` is (key, attempt)."""
    with runtime.database.transaction() as connection:
        held = slots.held_by(connection, worker_id, job_id)
        unsent = [slot for slot in held if (str(slot.id), slot.attempt) not in sent]
        if not unsent:
            return 0
        slots.change(
            connection,
            [{"id": slot.id, "state": SlotState.READY, "reserved_micro_usd": 0} for slot in unsent],
        )
        total = sum(slot.reserved_micro_usd for slot in unsent)
        jobs.add(connection, job_id, reserved_micro_usd=-total, calls=-len(unsent))
        slots.write_ledger(connection, [_release(slot) for slot in unsent])
        tally = Tally(
            {("slot", SlotState.READY): len(unsent), ("slot", SlotState.IN_FLIGHT): -len(unsent)}
        )
        counts.add(connection, job_id, tally)
        return len(unsent)


def _release(slot: SlotRecord) -> dict[str, object]:
    return {
        "job_id": slot.job_id,
        "slot_id": slot.id,
        "attempt": slot.attempt,
        "entry": "release_unsent",
        "reserved_delta": -slot.reserved_micro_usd,
        "spent_delta": 0,
    }
