"""One step with one batch: upload it, create it, look how it stands, cancel it, collect it.

Every step ends in one conditional move, and a step that died halfway is taken again from where
Postgres says the batch stands. Only a creation is paid for, so before a second one the batch is
looked for at the teacher.
"""

from contextlib import suppress
from dataclasses import replace
from typing import Any, assert_never
from uuid import UUID

import structlog

from app.db import jobs, slots, teacher_batches, teachers
from app.domain.batching import MOST_TIMES_MISSING, MOST_TRIES, wait_s
from app.domain.lifecycle import BatchState, Delivery, JobReason, JobState
from app.domain.stored import Job, TeacherBatch
from app.errors import Conflict
from app.llm.batch_lines import call_line
from app.llm.batches import BatchCallFailed, BatchService, RemoteBatch
from app.llm.pricing import estimate_micro_usd
from app.llm.teacher import Call, Endpoint, Outcome, Teacher, Texts
from app.runtime import Runtime
from app.use_cases.batch_collecting import Collector, give_up, held_calls
from app.use_cases.claiming import release
from app.use_cases.guarding import stop
from app.use_cases.probing import rests
from app.use_cases.teachers import to_llm

_PAUSES = {
    Outcome.QUOTA: JobReason.TEACHER_QUOTA,
    Outcome.UNAUTHORIZED: JobReason.TEACHER_UNAUTHORIZED,
    Outcome.REFUSED: JobReason.TEACHER_REFUSED,
    Outcome.REDIRECTED: JobReason.TEACHER_REFUSED,
}
_CERTAINLY_NOT = {Outcome.NOT_SENT, Outcome.RATE_LIMITED, *_PAUSES}
_log = structlog.get_logger(__name__)


class BatchSteps:
    """The steps that one worker takes; `advance` is given a batch that the worker has taken."""

    def __init__(self, runtime: Runtime, worker_id: UUID) -> None:
        self._runtime = runtime
        self._worker_id = worker_id
        self._poll_s = runtime.settings.batch_poll_s

    def advance(self, job: Job, batch: TeacherBatch) -> None:
        """Take the step that is next for a batch that stands so."""
        try:
            self._advance(job, batch)
        except BatchCallFailed as error:
            _log.warning(
                "batch_step_refused",
                job=str(job.id),
                batch=str(batch.id),
                state=batch.state,
                outcome=error.outcome,
                status=error.status,
            )
            self._after_failure(job, batch, error)

    def _advance(self, job: Job, batch: TeacherBatch) -> None:
        match batch.state:
            case BatchState.CLAIMED if _may_be_sent(job, batch):
                self._upload(batch)
            case BatchState.UPLOADED if _may_be_sent(job, batch):
                self._create(job, batch)
            case BatchState.CLAIMED | BatchState.UPLOADED:
                self._withdraw(batch)
            case BatchState.CREATING:
                self._look_for(job, batch)
            case BatchState.RUNNING | BatchState.CANCELLING:
                self._look_at(job, batch)
            case BatchState.COLLECTING:
                self._collect(batch)
            case BatchState.COLLECTED | BatchState.WITHDRAWN | BatchState.LOST:
                pass
            case _:
                assert_never(batch.state)

    def _teacher(self, batch: TeacherBatch) -> Teacher:
        """The teacher with the model and the prices that the batch was made with."""
        with self._runtime.database.transaction() as connection:
            record = teachers.get(connection, batch.teacher_id)
        if record is None:
            raise BatchCallFailed(Outcome.UNAUTHORIZED, "The teacher was removed.")
        try:
            teacher = to_llm(self._runtime, record, Delivery.BATCH)
        except Conflict as error:
            raise BatchCallFailed(Outcome.UNAUTHORIZED, error.detail) from None
        return replace(
            teacher,
            model=batch.model,
            endpoint=Endpoint(batch.endpoint),
            input_micro_usd_per_million=batch.input_micro_usd_per_million,
            output_micro_usd_per_million=batch.output_micro_usd_per_million,
        )

    def _upload(self, batch: TeacherBatch) -> None:
        teacher = self._teacher(batch)
        with self._runtime.database.transaction() as connection:
            calls = held_calls(connection, teacher, batch)
            held = slots.held_by(connection, batch.id, batch.job_id)
        bounds = {str(slot.id): slot.reserved_micro_usd for slot in held}
        if not calls or any(_costs_more(call, bounds[call.key]) for call in calls):
            self._withdraw(batch)  # the teacher was changed since: these calls are claimed anew
            return
        content = b"".join(map(call_line, calls))
        file_id = BatchService(teacher, self._runtime.guard).upload(
            f"cultivar-{batch.id}.jsonl", content
        )
        self._move(batch, BatchState.UPLOADED, input_file_id=file_id)

    def _create(self, job: Job, batch: TeacherBatch) -> None:
        """Say in Postgres that it may have been created, then create it.

        Whoever inherits it looks for it a while later: the request may still be on its way.
        """
        service = BatchService(self._teacher(batch), self._runtime.guard)
        if not self._move(
            batch, BatchState.CREATING, wait_s=self._poll_s, keep=True, tries=batch.tries
        ):
            return
        creating = replace(batch, state=BatchState.CREATING)
        try:
            remote = service.create(_file_of(batch), Endpoint(batch.endpoint), str(batch.id))
        except BatchCallFailed as error:
            self._after_creation_failed(job, creating, error)
            return
        if not self._created(creating, remote):
            # Another worker took the batch over and may have created it too: this one must go.
            with suppress(BatchCallFailed):
                service.cancel(remote.id)

    def _created(self, batch: TeacherBatch, remote: RemoteBatch) -> bool:
        return self._move(
            batch,
            BatchState.RUNNING,
            wait_s=self._poll_s,
            provider_batch_id=remote.id,
            provider_state=remote.state,
            detail=None,
        )

    def _look_for(self, job: Job, batch: TeacherBatch) -> None:
        """Whether a creation of which nobody heard the end was one."""
        service = BatchService(self._teacher(batch), self._runtime.guard)
        remote = service.find(_file_of(batch), str(batch.id), batch.created_at)
        if remote is not None:
            self._created(batch, remote)
        elif _may_be_sent(job, batch):
            self._move(batch, BatchState.UPLOADED, tries=batch.tries + 1)
        else:
            self._withdraw(batch)

    def _look_at(self, job: Job, batch: TeacherBatch) -> None:
        service = BatchService(self._teacher(batch), self._runtime.guard)
        stops = batch.state is BatchState.RUNNING and job.state is JobState.CANCELLING
        remote = _cancelled(service, batch) if stops else service.retrieve(_id_of(batch))
        told: dict[str, Any] = {
            "provider_state": remote.state,
            "completed": remote.completed,
            "failed": remote.failed,
            "output_file_id": remote.output_file_id,
            "error_file_id": remote.error_file_id,
        }
        if remote.is_over:
            said = remote.errors[0].message[:500] if remote.errors else None
            self._move(batch, BatchState.COLLECTING, detail=said, **told)
        elif stops:
            self._move(batch, BatchState.CANCELLING, wait_s=self._poll_s, **told)
        else:
            rest_s = wait_s(self._poll_s, batch.polls + 1)
            self._postpone(batch, rest_s, polls=batch.polls + 1, tries=0, **told)

    def _collect(self, batch: TeacherBatch) -> None:
        teacher = self._teacher(batch)
        service = BatchService(teacher, self._runtime.guard)
        verdict = Collector(self._runtime, batch, teacher, service).collect()
        with self._runtime.database.transaction() as connection:
            collected = teacher_batches.move(
                connection, batch, self._worker_id, BatchState.COLLECTED
            )
            if collected and verdict is not None:
                stop(connection, batch.job_id, verdict)
        self._clear(service, batch)

    def _clear(self, service: BatchService, batch: TeacherBatch) -> None:
        """The input file is of no more use there; what was in it is in Postgres."""
        if batch.input_file_id is not None:
            with suppress(BatchCallFailed):
                service.delete_file(batch.input_file_id)

    def _withdraw(
        self, batch: TeacherBatch, pause: JobReason | None = None, detail: str | None = None
    ) -> None:
        """It was certainly not created: give its calls back as if they had not been claimed."""
        with self._runtime.database.transaction() as connection:
            jobs.lock(connection, batch.job_id)
            if not teacher_batches.move(
                connection, batch, self._worker_id, BatchState.WITHDRAWN, detail=detail
            ):
                return
            release(connection, batch.job_id, slots.held_by(connection, batch.id, batch.job_id))
            if pause is not None:
                stop(connection, batch.job_id, (pause, detail))
        with suppress(BatchCallFailed):
            self._clear(BatchService(self._teacher(batch), self._runtime.guard), batch)

    def _lose(self, batch: TeacherBatch, detail: str) -> None:
        """It may have been paid and nobody can say: charge its calls in full."""
        give_up(self._runtime, batch, detail)
        self._move(batch, BatchState.LOST, detail=detail)
        self._pause(batch, JobReason.TEACHER_UNHEALTHY, detail)

    def _after_failure(self, job: Job, batch: TeacherBatch, error: BatchCallFailed) -> None:
        tries = batch.tries + 1
        before_creation = batch.state in {BatchState.CLAIMED, BatchState.UPLOADED}
        if before_creation and (error.outcome in _PAUSES or tries >= MOST_TRIES):
            reason = _PAUSES.get(error.outcome, JobReason.TEACHER_UNHEALTHY)
            self._withdraw(batch, reason, error.detail)
        elif not before_creation and _is_hopeless(job, batch, error, tries):
            self._lose(batch, error.detail)
        else:
            self._rest(batch, error)

    def _after_creation_failed(self, job: Job, batch: TeacherBatch, error: BatchCallFailed) -> None:
        """A definite no is no creation; after anything else the batch is looked for first."""
        tries = batch.tries + 1
        if error.outcome in _PAUSES or (error.outcome in _CERTAINLY_NOT and tries >= MOST_TRIES):
            reason = _PAUSES.get(error.outcome, JobReason.TEACHER_UNHEALTHY)
            self._withdraw(batch, reason, error.detail)
        elif error.outcome in _CERTAINLY_NOT:
            rest_s = error.retry_after_s or wait_s(self._poll_s, batch.tries)
            self._move(batch, BatchState.UPLOADED, wait_s=rest_s, tries=tries, detail=error.detail)
        else:
            self._rest(batch, error)

    def _rest(self, batch: TeacherBatch, error: BatchCallFailed) -> None:
        rest_s = error.retry_after_s or wait_s(self._poll_s, batch.tries)
        self._postpone(batch, rest_s, tries=batch.tries + 1, detail=error.detail)
        reason = _PAUSES.get(error.outcome)
        if reason is not None and error.status != 404:
            self._pause(batch, reason, error.detail)

    def _pause(self, batch: TeacherBatch, reason: JobReason, detail: str) -> None:
        with self._runtime.database.transaction() as connection:
            stop(connection, batch.job_id, (reason, detail))

    def _move(
        self,
        batch: TeacherBatch,
        target: BatchState,
        *,
        wait_s: float = 0.0,
        keep: bool = False,
        **values: object,
    ) -> bool:
        with self._runtime.database.transaction() as connection:
            return teacher_batches.move(
                connection, batch, self._worker_id, target, wait_s=wait_s, keep=keep, **values
            )

    def _postpone(self, batch: TeacherBatch, wait_s: float, **values: object) -> None:
        with self._runtime.database.transaction() as connection:
            teacher_batches.postpone(connection, batch, self._worker_id, wait_s=wait_s, **values)


def _may_be_sent(job: Job, batch: TeacherBatch) -> bool:
    """Whether its job runs, or rests for the teacher and this one call finds out how that is."""
    return job.state is JobState.RUNNING or (rests(job) and batch.requests == 1)


def _is_hopeless(job: Job, batch: TeacherBatch, error: BatchCallFailed, tries: int) -> bool:
    """Whether nothing will be heard of a batch any more that may have been created."""
    if error.status == 404 and batch.state is not BatchState.CREATING:
        return tries >= MOST_TIMES_MISSING
    waits_for_it = job.state is JobState.CANCELLING or batch.state is BatchState.CREATING
    return waits_for_it and tries >= MOST_TRIES


def _costs_more(call: Call, reserved_micro_usd: int) -> bool:
    if isinstance(call.prompt, Texts):
        return True
    return estimate_micro_usd(call.teacher, call.prompt) > reserved_micro_usd


def _cancelled(service: BatchService, batch: TeacherBatch) -> RemoteBatch:
    """Cancel it; one that is over already cannot be, and tells how it ended."""
    try:
        return service.cancel(_id_of(batch))
    except BatchCallFailed as error:
        if error.status not in {400, 409}:
            raise
        return service.retrieve(_id_of(batch))


def _file_of(batch: TeacherBatch) -> str:
    if batch.input_file_id is None:
        raise LookupError("a batch that is uploaded without its file")
    return batch.input_file_id


def _id_of(batch: TeacherBatch) -> str:
    if batch.provider_batch_id is None:
        raise LookupError("a batch that runs without its name")
    return batch.provider_batch_id
