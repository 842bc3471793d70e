"""The first commit of a call: claim its slot and reserve what it may cost."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from app.db import choosing, claimants, counts, jobs, paid, slots, teachers
from app.db.claimants import Claimant
from app.db.counts import Tally
from app.db.engine import Connection
from app.domain.lifecycle import Delivery, JobReason, JobState, SlotState
from app.domain.method import Prompt
from app.domain.sharing import Demand, Share, share_of
from app.domain.stored import Job, SlotRecord, TeacherRecord
from app.domain.suspicion import SUSPECTS_TOGETHER, flight
from app.errors import Conflict, InvalidInput
from app.llm.pricing import estimate_micro_usd
from app.llm.teacher import Call, Teacher
from app.runtime import Runtime
from app.use_cases.draft import Draft
from app.use_cases.ending import end_job
from app.use_cases.job_context import prompt_from_json
from app.use_cases.memory import Memory
from app.use_cases.probing import may_probe
from app.use_cases.reusing import serve_stored
from app.use_cases.teachers import to_llm


@dataclass(frozen=True, slots=True)
class Asker:
    """Who claims: a worker whose door is `able` to have so many calls under way at the teacher.

    `latency_s` is how long a call takes it; `arrived` are calls that have come back but are not
    stored yet; `most` bounds one claim. With `suspects` it has the process to itself, and claims
    nothing but calls that workers were lost with.
    """

    worker_id: UUID
    able: int = 1_000_000
    latency_s: float = 1.0
    arrived: int = 0
    most: int = 2000
    suspects: bool = False


@dataclass(frozen=True, slots=True)
class Claimed:
    """Calls to make, each with its reservation written; `room` is what the teacher could take.

    `served` counts those that a stored reply stands for instead: they wait to be read.
    `hungry` says that the teacher's limit, not a want of slots, kept it from being more; `stopped`
    that the job was ended or paused, since it cannot pay for what is ready.
    """

    calls: Sequence[Call]
    room: int
    hungry: bool = False
    stopped: bool = False
    served: int = 0

    @property
    def is_short(self) -> bool:
        """Whether fewer slots were ready than could be sent."""
        return len(self.calls) < self.room


NOTHING = Claimed((), 0)


def claim(runtime: Runtime, worker_id: UUID, job_id: UUID, limit: int) -> Claimed:
    """Claim up to `limit` ready slots in a transaction of its own."""
    with runtime.database.transaction() as connection:
        job = jobs.lock(connection, job_id)
        if job is None:
            return NOTHING
        draft = Draft()
        asker = Asker(worker_id, most=limit)
        claimed = claim_locked(connection, runtime, job, asker, draft, Memory())
        draft.write(connection, job_id)
        return claimed


def claim_locked(
    connection: Connection,
    runtime: Runtime,
    job: Job,
    asker: Asker,
    draft: Draft,
    memory: Memory,
) -> Claimed:
    """Take ready slots of a locked job within its caps and the teacher's concurrency."""
    if job.delivery is Delivery.BATCH or job.teacher_id is None:
        return NOTHING
    probes = may_probe(connection, job)
    if job.state is not JobState.RUNNING and not probes:
        return NOTHING
    record = teachers.get(connection, job.teacher_id, for_update=True)
    if record is None:
        return NOTHING
    served = serve_stored(connection, job, record, draft)
    share = _share(connection, record, job, asker)
    allowed = job.cap_calls - job.calls - draft.numbers["calls"]
    room = min(asker.most, share.room, allowed)
    ready = _ready(connection, job.id, room, probes, asker.suspects) if room > 0 else ()
    reservation = _Reservation(connection, runtime, job, asker, draft, memory)
    calls = reservation.make(record, share.window, ready)
    hungry = len(calls) >= share.room and allowed > 0
    if probes or asker.suspects:
        return Claimed(calls, len(calls), stopped=reservation.stopped, served=served)
    return Claimed(calls, max(0, room), hungry, reservation.stopped, served)


def reserve(
    connection: Connection,
    runtime: Runtime,
    job: Job,
    record: TeacherRecord,
    holder_id: UUID,
    ready: Sequence[SlotRecord],
    draft: Draft,
) -> Sequence[Call]:
    """Give ready slots of a locked job to a batch, as many as the cap allows at their upper price.

    A job that can afford none any more ends or pauses.
    """
    asker = Asker(holder_id)
    reservation = _Reservation(connection, runtime, job, asker, draft, Memory())
    return reservation.make(record, record.max_concurrency, ready)


def _ready(
    connection: Connection, job_id: UUID, room: int, probes: bool, apart: bool
) -> Sequence[SlotRecord]:
    if probes:
        return choosing.least_failed(connection, job_id)
    if apart:
        return flight(choosing.suspects(connection, job_id, min(room, SUSPECTS_TOGETHER)))
    return choosing.claimable(connection, job_id, room)


def _share(connection: Connection, record: TeacherRecord, job: Job, asker: Asker) -> Share:
    """Our part of the teacher, whose row is locked: everyone who claims from it waits for us."""
    demand = demand_of(
        asker.worker_id,
        job.id,
        slots.held(connection, record.id),
        claimants.of_teacher(connection, record.id),
    )
    demand = replace(demand, mine=max(0, demand.mine - asker.arrived))
    most = record.max_concurrency
    return share_of(most, demand, able=asker.able, latency_s=asker.latency_s)


def demand_of(
    worker_id: UUID,
    job_id: UUID,
    held: Sequence[tuple[UUID | None, UUID, int]],
    known: Sequence[Claimant],
) -> Demand:
    """How a teacher's calls are spread, as seen by one worker that drives one job."""
    me = (worker_id, job_id)
    hungry = [each for each in known if each.hungry and (each.worker_id, each.job_id) != me]
    beside = sum(each.worker_id == worker_id for each in hungry)
    return Demand(
        mine=sum(n for worker, job, n in held if (worker, job) == me),
        beside_me=sum(n for worker, job, n in held if worker == worker_id and job != job_id),
        elsewhere=sum(n for worker, _, n in held if worker != worker_id),
        hungry_beside_me=beside,
        hungry_elsewhere=len(hungry) - beside,
    )


class _Reservation:
    """Reserves what calls may cost and marks their slots as under way."""

    def __init__(
        self,
        connection: Connection,
        runtime: Runtime,
        job: Job,
        asker: Asker,
        draft: Draft,
        memory: Memory,
    ) -> None:
        self._connection = connection
        self._runtime = runtime
        self._job = job
        self._asker = asker
        self._draft = draft
        self._memory = memory
        self.stopped = False

    def make(
        self, record: TeacherRecord, window: int, ready: Sequence[SlotRecord]
    ) -> Sequence[Call]:
        """The calls that can be afforded; a job that can afford none any more ends or pauses."""
        if not ready:
            return ()
        try:
            teacher = to_llm(self._runtime, record, self._job.delivery)
            teacher = replace(teacher, max_concurrency=max(1, window))
        except Conflict as error:
            self._pause(JobReason.TEACHER_UNAUTHORIZED, error.detail)
            return ()
        try:
            calls, amounts = self._affordable(teacher, ready)
        except InvalidInput as error:  # the teacher lost its prices since the job was submitted
            self._pause(JobReason.TEACHER_REFUSED, error.detail)
            return ()
        if calls:
            self._write(calls, amounts)
        elif self._job.reserved_micro_usd + self._draft.numbers["reserved_micro_usd"] == 0:
            detail = f"The next call could pass the cap of {self._job.cap_micro_usd} micro-USD."
            reason = JobReason.BUDGET_EXHAUSTED
            end_job(self._connection, self._job, JobState.SUCCEEDED, reason, detail)
            self.stopped = True
        return calls

    def _pause(self, reason: JobReason, detail: str) -> None:
        jobs.move(self._connection, self._job.id, JobState.PAUSED, reason=reason, detail=detail)
        self.stopped = True

    def _affordable(
        self, teacher: Teacher, ready: Sequence[SlotRecord]
    ) -> tuple[list[Call], dict[UUID, int]]:
        """The first slots whose upper bounds fit under the cap, with those bounds."""
        calls: list[Call] = []
        amounts: dict[UUID, int] = {}
        committed = self._job.spent_micro_usd + self._job.reserved_micro_usd
        committed += self._draft.numbers["reserved_micro_usd"]
        cap = self._job.cap_micro_usd
        prompts = self._prompts(ready)
        for slot in ready:
            prompt = prompts[slot.id]
            amount = estimate_micro_usd(teacher, prompt)
            if cap is not None and committed + amount > cap:
                break
            committed += amount
            amounts[slot.id] = amount
            calls.append(Call(str(slot.id), slot.attempt + 1, teacher, prompt))
        return calls, amounts

    def _prompts(self, ready: Sequence[SlotRecord]) -> Mapping[UUID, Prompt]:
        known = {slot.id: self._memory.prompts.get(slot.id) for slot in ready}
        missing = [key for key, prompt in known.items() if prompt is None]
        stored = slots.prompts(self._connection, missing)
        found = {key: prompt for key, prompt in known.items() if prompt is not None}
        return found | {key: prompt_from_json(each) for key, each in stored.items()}

    def _write(self, calls: Sequence[Call], amounts: Mapping[UUID, int]) -> None:
        choosing.claim(self._connection, self._asker.worker_id, amounts)
        paid.write_ledger(self._connection, [_entry(self._job.id, call, amounts) for call in calls])
        self._draft.numbers["reserved_micro_usd"] += sum(amounts.values())
        self._draft.numbers["calls"] += len(calls)
        self._draft.tally["slot", SlotState.READY] -= len(calls)
        self._draft.tally["slot", SlotState.IN_FLIGHT] += len(calls)


def _entry(job_id: UUID, call: Call, amounts: Mapping[UUID, int]) -> dict[str, object]:
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
        release(connection, job_id, unsent)
        return len(unsent)


def release(connection: Connection, job_id: UUID, unsent: Sequence[SlotRecord]) -> None:
    """Make claimed slots ready again and free their reservations: they were never sent."""
    if not unsent:
        return
    slots.change(
        connection,
        [{"id": slot.id, "state": SlotState.READY, "reserved_micro_usd": 0} for slot in unsent],
    )
    total = sum(slot.reserved_micro_usd for slot in unsent)
    jobs.add(connection, job_id, reserved_micro_usd=-total, calls=-len(unsent))
    paid.write_ledger(connection, [_release(slot) for slot in unsent])
    tally = Tally(
        {("slot", SlotState.READY): len(unsent), ("slot", SlotState.IN_FLIGHT): -len(unsent)}
    )
    counts.add(connection, job_id, tally)


def _release(slot: SlotRecord) -> dict[str, object]:
    return {
        "job_id": slot.job_id,
        "slot_id": slot.id,
        "attempt": slot.attempt,
        "entry": "release_unsent",
        "reserved_delta": -slot.reserved_micro_usd,
        "spent_delta": 0,
    }
