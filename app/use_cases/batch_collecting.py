"""Collect a batch: each result line becomes a reply, is stored raw, and is settled as any other.

A collection that dies halfway begins again: what is stored already is not held by the batch any
more and is passed over.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import structlog

from app.db import slots
from app.db.engine import Connection
from app.domain.batching import LONGEST_WAIT, pause_after, wait_s
from app.domain.lifecycle import JobReason
from app.domain.settlement import Ending
from app.domain.stored import TeacherBatch
from app.errors import InsufficientStorage, Unavailable
from app.llm.batch_lines import custom_id, read_result_line, reply_of
from app.llm.batches import BatchError, BatchService
from app.llm.outcomes import outcome_of_code
from app.llm.redaction import Redactor
from app.llm.teacher import Call, Endpoint, Outcome, Reply, Teacher
from app.runtime import Runtime
from app.use_cases.job_context import prompt_from_json
from app.use_cases.probing import probed
from app.use_cases.settling import ending_of, store_replies

_MOST_LINE_BYTES = 64 << 20
REPLIES_AT_ONCE = 200
_BYTES_AT_ONCE = 16 << 20
_AWAY = (Unavailable, InsufficientStorage)
_NOT_ALONE = "Other lines of its batch were refused, so the teacher ran none of it."
_MISSING = "The batch ended without a result for this call."
_log = structlog.get_logger(__name__)


def held_calls(connection: Connection, teacher: Teacher, batch: TeacherBatch) -> Sequence[Call]:
    """The calls that a batch holds, in the order of its input file."""
    held = slots.held_by(connection, batch.id, batch.job_id)
    prompts = slots.prompts(connection, [slot.id for slot in held])
    return [
        Call(str(slot.id), slot.attempt, teacher, prompt_from_json(prompts[slot.id]))
        for slot in sorted(held, key=lambda slot: slot.id)
    ]


def give_up(runtime: Runtime, batch: TeacherBatch, detail: str) -> None:
    """Settle what a batch still holds as of unknown outcome: it is charged in full."""
    teacher = Teacher(
        str(batch.teacher_id),
        "",
        batch.model,
        Endpoint(batch.endpoint),
        input_micro_usd_per_million=batch.input_micro_usd_per_million,
        output_micro_usd_per_million=batch.output_micro_usd_per_million,
    )
    with runtime.database.transaction() as connection:
        calls = held_calls(connection, teacher, batch)
    replies = [Reply(call, Outcome.UNKNOWN, error=detail) for call in calls]
    store_replies(runtime, batch.job_id, replies)


class Collector:
    """One collection of one batch whose provider has ended it."""

    def __init__(
        self, runtime: Runtime, batch: TeacherBatch, teacher: Teacher, service: BatchService
    ) -> None:
        self._runtime = runtime
        self._batch = batch
        self._service = service
        self._redactor = Redactor(teacher.api_key)
        with runtime.database.transaction() as connection:
            held = held_calls(connection, teacher, batch)
        self._held = {custom_id(call): call for call in held}
        self._is_whole = len(held) == batch.requests
        self._endings: Counter[Ending] = Counter()
        self._answered = 0
        self._in_doubt = False
        self._last_error: str | None = None

    def collect(self) -> tuple[JobReason, str | None] | None:
        """Store and settle all of it; returns why the job should rest now, and the words for it."""
        if self._batch.provider_state == "failed":
            return self._collect_refusal()
        for file_id in (self._batch.output_file_id, self._batch.error_file_id):
            if file_id is not None:
                self._collect_file(file_id)
        self._settle_missing()
        if self._batch.requests == 1:
            for ending in self._endings:
                probed(self._runtime, self._batch.teacher_id, ending)
        reason = pause_after(self._endings) if self._is_whole else None
        return (reason, self._last_error) if reason is not None else None

    def _collect_file(self, file_id: str) -> None:
        with tempfile.TemporaryFile() as file:
            self._in_doubt |= not self._service.download(file_id, file)
            file.seek(0)
            waiting: list[Reply] = []
            size = 0
            for reply in self._replies(file):
                waiting.append(reply)
                size += len(reply.raw)
                if len(waiting) >= REPLIES_AT_ONCE or size >= _BYTES_AT_ONCE:
                    self._store(waiting)
                    waiting, size = [], 0
            self._store(waiting)

    def _replies(self, file: BinaryIO) -> Iterator[Reply]:
        """The replies of lines whose calls the batch still holds."""
        for raw in _lines(file):
            line = read_result_line(raw) if raw is not None else None
            if line is None:
                self._in_doubt = True
                continue
            self._answered += line.status is not None and 200 <= line.status < 300
            call = self._held.pop(line.custom_id, None)
            if call is not None:
                yield reply_of(call, line, self._redactor)

    def _settle_missing(self) -> None:
        """Calls without a line: unpaid if the batch was cut short, else nobody knows."""
        done = self._batch.provider_state == "completed"
        in_doubt = self._in_doubt or done or self._batch.completed > self._answered
        outcome = Outcome.UNKNOWN if in_doubt else Outcome.NOT_SENT
        self._store([Reply(call, outcome, error=_MISSING) for call in self._held.values()])

    def _store(self, replies: Sequence[Reply]) -> None:
        """One reply that cannot be stored must not take its neighbours with it."""
        if not replies:
            return
        try:
            store_replies(self._runtime, self._batch.job_id, replies)
        except _AWAY:
            raise
        except Exception:  # noqa: BLE001 - whatever is wrong with one, the others are paid for
            _log.exception("replies_not_stored", batch=str(self._batch.id))
            for reply in replies:
                self._store_alone(reply)
        for reply in replies:
            self._endings[ending_of(reply)] += 1
            self._last_error = reply.error or self._last_error

    def _store_alone(self, reply: Reply) -> None:
        try:
            store_replies(self._runtime, self._batch.job_id, [reply])
        except _AWAY:
            raise
        except Exception:  # noqa: BLE001 - it is charged in full with those that are missing
            _log.exception("reply_not_stored", slot=reply.call.key)
            self._held[custom_id(reply.call)] = reply.call
            self._in_doubt = True

    def _collect_refusal(self) -> tuple[JobReason, str | None] | None:
        """The batch failed its validation: none of it was run, and the lines at fault are named."""
        errors = self._service.retrieve(self._batch.provider_batch_id or "").errors
        by_line = {each.line: each for each in errors if each.line is not None}
        if by_line:
            replies = [
                _refused(call, by_line.get(number))
                for number, call in enumerate(self._held.values(), start=1)
            ]
            store_replies(self._runtime, self._batch.job_id, replies)
            return None
        return self._collect_whole_refusal(errors)

    def _collect_whole_refusal(
        self, errors: Sequence[BatchError]
    ) -> tuple[JobReason, str | None] | None:
        """No line is at fault: the account is, or a limit that is free again later."""
        said = (errors[0].message or errors[0].code) if errors else "The batch was refused."
        outcome = outcome_of_code(errors[0].code if errors else None)
        passing = outcome is not Outcome.SERVER_ERROR
        rest_s = wait_s(self._runtime.settings.batch_poll_s, LONGEST_WAIT)
        replies = [
            Reply(
                call,
                outcome if passing else Outcome.NOT_SENT,
                error=said,
                retry_after_s=rest_s if outcome is Outcome.RATE_LIMITED else None,
            )
            for call in self._held.values()
        ]
        store_replies(self._runtime, self._batch.job_id, replies)
        return None if passing else (JobReason.TEACHER_REFUSED, said)


def _refused(call: Call, error: BatchError | None) -> Reply:
    if error is None:
        return Reply(call, Outcome.NOT_SENT, error=_NOT_ALONE)
    return Reply(call, Outcome.REFUSED, error=error.message or error.code)


def _lines(file: BinaryIO) -> Iterator[bytes | None]:
    """The lines of a file; None for one that is too long to be read."""
    while line := file.readline(_MOST_LINE_BYTES):
        if len(line) < _MOST_LINE_BYTES or line.endswith(b"\n"):
            if line.strip():
                yield line
            continue
        while line and not line.endswith(b"\n"):
            line = file.readline(_MOST_LINE_BYTES)
        yield None
