"""Drive jobs at batch price: gather ready calls into batches, and take each batch a step further.

No thread waits for a batch: whoever is woken does what is due and leaves, and Postgres says when
there is more to do.
"""

from collections.abc import Sequence
from uuid import UUID

import orjson
import structlog

from app.db import choosing, counts, jobs, slots, teacher_batches, teachers
from app.db.engine import Connection
from app.db.ids import new_id
from app.domain.batching import Gathering, is_time, wait_s
from app.domain.lifecycle import CandidateState, Delivery, JobReason, JobState, SlotState
from app.domain.stored import Job, SlotRecord, TeacherBatch, TeacherRecord
from app.errors import InsufficientStorage, InvalidInput, NotFound, Unavailable
from app.runtime import Runtime
from app.use_cases.batch_steps import BatchSteps
from app.use_cases.claiming import reserve
from app.use_cases.converse import revive
from app.use_cases.draft import Draft
from app.use_cases.job_context import JobContext, load
from app.use_cases.memory import Memory
from app.use_cases.probing import may_probe
from app.use_cases.reusing import serve_stored
from app.use_cases.slices import Bench
from app.use_cases.straying import take_over
from app.use_cases.turn import Wishes, take_turn

_LINE_BYTES = 1_000
_FEW = 2
_log = structlog.get_logger(__name__)


class _TooFewError(Exception):
    """The cap leaves room for a small part only while others are under way: rather wait."""


def is_batched(runtime: Runtime, job_id: UUID) -> bool:
    """Whether a job's calls go as batches; False while Postgres is away (a slice waits)."""
    try:
        with runtime.database.transaction() as connection:
            job = jobs.get(connection, job_id)
    except (Unavailable, InsufficientStorage):
        return False
    return job is not None and job.delivery is Delivery.BATCH


class BatchSlice:
    """One stretch of work on one job that is delivered in batches."""

    def __init__(self, bench: Bench, job_id: UUID) -> None:
        self._bench = bench
        self._runtime = bench.runtime
        self._job_id = job_id
        self._steps = BatchSteps(bench.runtime, bench.worker_id)

    def nudge(self) -> None:
        """Nothing: the stretch is short, and whoever nudges has another one follow it."""

    def run(self) -> bool:
        """Take the job as far as it goes without waiting for anybody; time is never up."""
        try:
            context = load(self._runtime, self._bench.seeds, self._job_id)
        except NotFound:
            return False
        except InvalidInput as error:
            self._give_up(error.detail)
            return False
        revive(self._runtime, context)
        while not self._bench.stopping.is_set():
            stepped = self._step_all()
            if not (self._read_and_plan(context) or stepped or self._form()):
                break
        return False

    def _give_up(self, detail: str) -> None:
        """Nobody can read this job's replies; what was paid is collected before it fails."""
        self._step_all()
        with self._runtime.database.transaction() as connection:
            if teacher_batches.count_live(connection, job_id=self._job_id):
                return
            for target in (JobState.FAILED, JobState.CANCELLED):
                reason = JobReason.OPTIONS_NOT_UNDERSTOOD
                if jobs.move(connection, self._job_id, target, reason=reason, detail=detail):
                    return

    def _step_all(self) -> int:
        """Take every step that is due; returns how many."""
        count = 0
        while not self._bench.stopping.is_set():
            with self._runtime.database.transaction() as connection:
                job = jobs.get(connection, self._job_id)
                batch = self._take(connection, job) if job is not None else None
            if job is None or batch is None:
                return count
            self._step(job, batch)
            count += 1
        return count

    def _take(self, connection: Connection, job: Job) -> TeacherBatch | None:
        return teacher_batches.take_due(
            connection,
            job.id,
            self._bench.worker_id,
            lease_s=self._runtime.settings.lease_s,
            cancelling=job.state is JobState.CANCELLING,
        )

    def _step(self, job: Job, batch: TeacherBatch) -> None:
        try:
            self._steps.advance(job, batch)
        except (Unavailable, InsufficientStorage):
            raise
        except Exception:
            _log.exception("batch_step_failed", job=str(job.id), batch=str(batch.id))
            self._rest(batch)
            raise

    def _rest(self, batch: TeacherBatch) -> None:
        """A fault of ours must not be repeated every few seconds."""
        with self._runtime.database.transaction() as connection:
            tries = batch.tries + 1
            rest_s = wait_s(self._runtime.settings.batch_poll_s, tries)
            teacher_batches.postpone(
                connection, batch, self._bench.worker_id, wait_s=rest_s, tries=tries
            )

    def _read_and_plan(self, context: JobContext) -> bool:
        """Read what was stored and begin what the job needs next; whether there was any of it."""
        before = self._standing()
        with self._runtime.database.transaction() as connection:
            slots.hand_over(connection, self._job_id, self._bench.worker_id)
        read = self._take_turn(context)
        # Who was lost while reading so many leaves them behind: those are read one by one.
        while (taken := take_over(self._runtime, self._bench.worker_id, self._job_id)) is not None:
            read += self._take_turn(context) if taken else 1
        return read > 0 or self._standing() != before

    def _take_turn(self, context: JobContext) -> int:
        wishes = Wishes(self._bench.worker_id, asker=None, plans=True)
        turn = take_turn(self._runtime, context, Memory(), self._bench.row_indexes, wishes)
        if turn.proposed:
            self._runtime.wake.admit(context.job.pool_id)
        return turn.read

    def _standing(self) -> tuple[object, ...]:
        with self._runtime.database.transaction() as connection:
            job = jobs.get(connection, self._job_id)
        return (job.state, job.next_propose, job.next_answer) if job is not None else ()

    def _form(self) -> bool:
        """Make a batch of the ready calls if it is time for one."""
        try:
            with self._runtime.database.transaction() as connection:
                return self._form_within(connection)
        except _TooFewError:
            return False

    def _form_within(self, connection: Connection) -> bool:
        job = jobs.lock(connection, self._job_id)
        if job is None or job.teacher_id is None:
            return False
        if job.state is not JobState.RUNNING:
            return self._probe(connection, job)
        record = teachers.get(connection, job.teacher_id, for_update=True)
        most = min(self._runtime.settings.batch_requests, job.cap_calls - job.calls)
        if record is None or most <= 0:
            return False
        draft = Draft()
        if serve_stored(connection, job, record, draft):
            draft.write(connection, job.id)
            return True  # what was served is read before anything is bought
        if not is_time(_gathering(connection, job), most):
            return False
        return self._buy(connection, job, record, most, draft)

    def _probe(self, connection: Connection, job: Job) -> bool:
        """Ask a teacher that did not serve with a batch of one call."""
        if teacher_batches.count_live(connection, job_id=job.id) or not may_probe(connection, job):
            return False
        if job.teacher_id is None:
            return False
        record = teachers.get(connection, job.teacher_id, for_update=True)
        if record is None or job.calls >= job.cap_calls:
            return False
        return self._claim(
            connection, job, record, choosing.least_failed(connection, job.id), Draft()
        )

    def _buy(
        self, connection: Connection, job: Job, record: TeacherRecord, most: int, draft: Draft
    ) -> bool:
        ready = self._fitting(connection, choosing.claimable(connection, job.id, most), record)
        return self._claim(connection, job, record, ready, draft)

    def _claim(
        self,
        connection: Connection,
        job: Job,
        record: TeacherRecord,
        ready: Sequence[SlotRecord],
        draft: Draft,
    ) -> bool:
        batch_id = new_id()
        calls = reserve(connection, self._runtime, job, record, batch_id, ready, draft)
        draft.write(connection, job.id)
        if not calls:
            return False
        live = teacher_batches.count_live(connection, job_id=job.id)
        if live and _FEW * len(calls) < len(ready):
            raise _TooFewError
        teacher_batches.insert(connection, _values(batch_id, job, record, len(calls)))
        return True

    def _fitting(
        self, connection: Connection, ready: Sequence[SlotRecord], record: TeacherRecord
    ) -> Sequence[SlotRecord]:
        """The first calls whose lines surely fit into one file, and at least one."""
        left = self._runtime.settings.batch_mib << 20
        around = _LINE_BYTES + len(orjson.dumps(record.extra_body)) + len(record.model)
        prompts = slots.prompts(connection, [slot.id for slot in ready])
        for number, slot in enumerate(ready):
            left -= len(orjson.dumps(prompts[slot.id])) + around
            if left < 0 and number:
                return ready[:number]
        return ready


def _gathering(connection: Connection, job: Job) -> Gathering:
    active = slots.counts_active(connection, job.id)
    judged = counts.of_job(connection, job.id).get("candidate", {})

    def count(*states: SlotState) -> int:
        return sum(number for (_, state), number in active.items() if state in states)

    return Gathering(
        ready=count(SlotState.READY),
        due=not teacher_batches.has_calls_that_wait(connection, job.id),
        unread=count(SlotState.RECEIVED, SlotState.UNKNOWN),
        candidates_waiting=judged.get(CandidateState.PROPOSED, 0),
        batches_live=teacher_batches.count_live(connection, job_id=job.id),
    )


def _values(batch_id: UUID, job: Job, record: TeacherRecord, requests: int) -> dict[str, object]:
    return {
        "id": batch_id,
        "job_id": job.id,
        "teacher_id": record.id,
        "endpoint": record.endpoint,
        "model": record.model,
        "input_micro_usd_per_million": record.batch_input_micro_usd_per_million,
        "output_micro_usd_per_million": record.batch_output_micro_usd_per_million,
        "requests": requests,
    }
