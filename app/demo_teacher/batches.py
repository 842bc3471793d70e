"""OpenAI's files and batches in memory: upload, create, list, poll, cancel, fetch the output."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any

import orjson

from app.demo_teacher.batch_input import read_lines
from app.demo_teacher.protocol import RequestError
from app.demo_teacher.teacher import CHAT_PATH, COMPLETIONS_PATH, EMBEDDINGS_PATH, Teacher
from app.demo_teacher.uploads import Upload

ENDPOINTS = (CHAT_PATH, COMPLETIONS_PATH, EMBEDDINGS_PATH)
LINES_A_TURN = 50
VALIDATING_SHARE = 0.1
LIFETIME_S = 24 * 3600
MOST_FILE_BYTES = 200 * 1024 * 1024
MOST_LISTED = 100
MOST_METADATA = 16


class BatchStatus(StrEnum):
    """OpenAI's words for a batch's life."""

    VALIDATING = "validating"
    FAILED = "failed"
    IN_PROGRESS = "in_progress"
    FINALIZING = "finalizing"
    COMPLETED = "completed"
    EXPIRED = "expired"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


OVER = (
    BatchStatus.FAILED,
    BatchStatus.COMPLETED,
    BatchStatus.EXPIRED,
    BatchStatus.CANCELLED,
)


@dataclass(frozen=True)
class StoredFile:
    """A file as `/v1/files` keeps it."""

    id: str
    upload: Upload
    created_at: int

    def as_json(self) -> dict[str, Any]:
        """OpenAI's file object."""
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.upload.content),
            "created_at": self.created_at,
            "filename": self.upload.name,
            "purpose": self.upload.purpose,
            "status": "processed",
        }


@dataclass
class Batch:
    """A batch and where it stands."""

    id: str
    endpoint: str
    input_file: StoredFile
    completion_window: str
    metadata: Any
    headers: dict[bytes, bytes]
    created_at: int
    status: BatchStatus = BatchStatus.VALIDATING
    reached: dict[BatchStatus, int] = field(default_factory=dict[BatchStatus, int])
    errors: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    output_file_id: str | None = None
    error_file_id: str | None = None
    total: int = 0
    completed: int = 0
    failed: int = 0
    stopped: asyncio.Event = field(default_factory=asyncio.Event)

    async def rest(self, seconds: float) -> None:
        """Let so many seconds pass, or fewer when it is cancelled."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stopped.wait(), seconds)

    def move(self, status: BatchStatus) -> None:
        """Enter a status and note when."""
        self.status = status
        self.reached[status] = int(time.time())

    def as_json(self) -> dict[str, Any]:
        """OpenAI's batch object."""
        reached = {f"{status}_at": self.reached.get(status) for status in BatchStatus}
        del reached["validating_at"]
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": self.endpoint,
            "errors": {"object": "list", "data": self.errors} if self.errors else None,
            "input_file_id": self.input_file.id,
            "completion_window": self.completion_window,
            "status": self.status,
            "output_file_id": self.output_file_id,
            "error_file_id": self.error_file_id,
            "created_at": self.created_at,
            "expires_at": self.created_at + LIFETIME_S,
            **reached,
            "request_counts": {
                "total": self.total,
                "completed": self.completed,
                "failed": self.failed,
            },
            "metadata": self.metadata,
        }


class BatchDesk:
    """All files and batches of one teacher; its lines are decided like any other call."""

    def __init__(self, teacher: Teacher) -> None:
        self._teacher = teacher
        self._files: dict[str, StoredFile] = {}
        self._batches: dict[str, Batch] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._number = 0
        self._refusals = list(teacher.settings.batch_refusal)
        self._to_lose = teacher.settings.batch_lost_creations

    def reset(self) -> None:
        """Forget all files and batches; running ones are stopped."""
        for task in self._running:
            task.cancel()
        self._files.clear()
        self._batches.clear()
        self._refusals = list(self._teacher.settings.batch_refusal)
        self._to_lose = self._teacher.settings.batch_lost_creations

    def add_file(self, upload: Upload) -> StoredFile:
        """Keep an uploaded file."""
        if len(upload.content) > MOST_FILE_BYTES:
            raise RequestError("The file is larger than 200 MiB.", status=413, param="file")
        if not upload.purpose:
            raise RequestError("'purpose' is a required property", param="purpose")
        self._number += 1
        stored = StoredFile(f"file-{self._number:08x}", upload, int(time.time()))
        self._files[stored.id] = stored
        return stored

    def file(self, file_id: str) -> StoredFile:
        """A file by its id; 404 where there is none."""
        return self._files.get(file_id) or _missing("File", file_id)

    def files(self, query: Mapping[str, str]) -> dict[str, Any]:
        """A page of the files, newest first."""
        return _page((stored.as_json() for stored in reversed(self._files.values())), query)

    def delete_file(self, file_id: str) -> dict[str, Any]:
        """Drop a file."""
        del self._files[self.file(file_id).id]
        return {"id": file_id, "object": "file", "deleted": True}

    def batch(self, batch_id: str) -> Batch:
        """A batch by its id; 404 where there is none."""
        return self._batches.get(batch_id) or _missing("Batch", batch_id)

    def batches(self, query: Mapping[str, str]) -> dict[str, Any]:
        """A page of the batches, newest first."""
        return _page((batch.as_json() for batch in reversed(self._batches.values())), query)

    def create(self, payload: dict[str, Any], headers: dict[bytes, bytes]) -> Batch:
        """Start a batch from `{"input_file_id", "endpoint", "completion_window", "metadata"?}`."""
        endpoint, stored = _endpoint(payload), self.file(str(payload.get("input_file_id")))
        if stored.upload.purpose != "batch":
            message = f"Invalid purpose of the input file: {stored.upload.purpose}."
            raise RequestError(message, param="input_file_id")
        self._number += 1
        batch = Batch(
            f"batch_{self._number:08x}",
            endpoint,
            stored,
            "24h",
            _metadata(payload.get("metadata")),
            headers,
            int(time.time()),
        )
        self._batches[batch.id] = batch
        self._start(self._run(batch))
        if self._to_lose:
            self._to_lose -= 1
            raise RequestError("The gateway waited too long.", status=504, kind="server_error")
        return batch

    def cancel(self, batch_id: str) -> Batch:
        """Stop a batch after a while; what is done stays done."""
        batch = self.batch(batch_id)
        if batch.status in OVER:
            raise RequestError(f"Cannot cancel a batch with status '{batch.status}'.", status=409)
        if batch.status is not BatchStatus.CANCELLING:
            batch.move(BatchStatus.CANCELLING)
            batch.stopped.set()
        return batch

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, batch: Batch) -> None:
        """Validate, answer every line at the set pace, and file the answers."""
        settings = self._teacher.settings
        await asyncio.sleep(settings.batch_delay_s * VALIDATING_SHARE)
        lines, batch.errors = read_lines(batch.input_file.upload.content, batch.endpoint)
        if not batch.errors and self._refusals:
            code = self._refusals.pop(0)
            message = f"The batch is refused as a whole: {code}."
            batch.errors = [{"code": code, "line": None, "message": message, "param": None}]
        if batch.errors:
            batch.move(BatchStatus.FAILED)
            return
        batch.total = len(lines)
        if batch.status is BatchStatus.VALIDATING:
            batch.move(BatchStatus.IN_PROGRESS)
        await batch.rest(settings.batch_delay_s * (1 - VALIDATING_SHARE))
        await self._answer(batch, lines)

    async def _answer(self, batch: Batch, lines: list[dict[str, Any]]) -> None:
        settings = self._teacher.settings
        answered: list[bytes] = []
        refused: list[bytes] = []
        for position, line in enumerate(lines):
            if settings.batch_line_s or position % LINES_A_TURN == 0:
                await batch.rest(settings.batch_line_s)
            if batch.status is BatchStatus.CANCELLING or position == settings.batch_expires_after:
                refused += self._not_run(batch, position, lines)
                break
            result = self._answer_line(batch, position, line)
            good = result["response"] is not None and result["response"]["status_code"] < 400
            batch.completed += good
            batch.failed += not good
            (answered if good else refused).append(orjson.dumps(result))
        self._file_results(batch, answered, refused)

    def _file_results(self, batch: Batch, answered: list[bytes], refused: list[bytes]) -> None:
        """Results come in no order that a reader could rely on."""
        end = BatchStatus.COMPLETED
        if batch.status is BatchStatus.CANCELLING:
            end = BatchStatus.CANCELLED
        else:
            batch.move(BatchStatus.FINALIZING)
            if batch.completed + batch.failed < batch.total:
                end = BatchStatus.EXPIRED
        shuffler = Random(f"{self._teacher.settings.seed}:{batch.id}")
        shuffler.shuffle(answered)
        batch.output_file_id = self._file_lines(batch, "output", answered)
        batch.error_file_id = self._file_lines(batch, "errors", refused)
        batch.move(end)

    def _not_run(self, batch: Batch, start: int, lines: list[dict[str, Any]]) -> Iterable[bytes]:
        """What an expired batch says of the lines it did not come to; a cancelled one is silent."""
        if batch.status is BatchStatus.CANCELLING:
            return
        message = "This request could not be executed before the completion window expired."
        for position, line in enumerate(lines[start:], start=start):
            error = {"code": "batch_expired", "message": message}
            yield orjson.dumps(_result(batch, position, line) | {"error": error})

    def _answer_line(self, batch: Batch, position: int, line: dict[str, Any]) -> dict[str, Any]:
        """One line of the output or error file; a reply that is no JSON becomes an error."""
        arrival = self._teacher.arrive(batch.endpoint, batch.headers, batch.id)
        plan = self._teacher.decide(arrival, orjson.dumps(line["body"]))
        self._teacher.replied(arrival, "sent")
        result = _result(batch, position, line)
        try:
            body = orjson.loads(plan.body)
        except orjson.JSONDecodeError:
            result["error"] = {"code": "batch_error", "message": f"No reply: {plan.outcome}."}
            return result
        result["response"] = {
            "status_code": plan.status,
            "request_id": f"req_{arrival.number}",
            "body": body,
        }
        return result

    def _file_lines(self, batch: Batch, kind: str, lines: list[bytes]) -> str | None:
        if not lines:
            return None
        content = b"\n".join(lines) + b"\n"
        return self.add_file(Upload(f"{batch.id}_{kind}.jsonl", "batch_output", content)).id


def _result(batch: Batch, position: int, line: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"batch_req_{batch.id}_{position}",
        "custom_id": line["custom_id"],
        "response": None,
        "error": None,
    }


def _endpoint(payload: dict[str, Any]) -> str:
    endpoint = payload.get("endpoint")
    if endpoint not in ENDPOINTS:
        raise RequestError(f"'endpoint' must be one of {ENDPOINTS}.", param="endpoint")
    if payload.get("completion_window") != "24h":
        raise RequestError("'completion_window' must be '24h'.", param="completion_window")
    return endpoint


def _metadata(value: Any) -> dict[str, str] | None:
    """At most sixteen short texts under short names."""
    if value is None:
        return None
    fits = isinstance(value, dict) and len(value) <= MOST_METADATA
    if not fits or not all(
        len(name) <= 64 and isinstance(text, str) and len(text) <= 512
        for name, text in value.items()
    ):
        raise RequestError("'metadata' must be up to 16 texts by name.", param="metadata")
    return value


def _page(newest_first: Iterable[dict[str, Any]], query: Mapping[str, str]) -> dict[str, Any]:
    """OpenAI's list object: `limit` objects behind the one that is named `after`."""
    objects = list(newest_first)
    after = query.get("after")
    if after is not None:
        ids = [each["id"] for each in objects]
        objects = objects[ids.index(after) + 1 :] if after in ids else []
    wanted = query.get("limit", "20")
    limit = int(wanted) if wanted.isdecimal() else 20
    shown = objects[: max(1, min(limit, MOST_LISTED))]
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": len(shown) < len(objects),
    }


def _missing(noun: str, name: str) -> Any:
    raise RequestError(f"No such {noun} object: {name}", status=404, param="id")
