"""OpenAI's files and batches in memory: upload, create, poll, cancel, fetch the output."""

import asyncio
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson

from app.demo_teacher.protocol import RequestError
from app.demo_teacher.teacher import CHAT_PATH, COMPLETIONS_PATH, EMBEDDINGS_PATH, Teacher
from app.demo_teacher.uploads import Upload

ENDPOINTS = (CHAT_PATH, COMPLETIONS_PATH, EMBEDDINGS_PATH)
LINES_A_TURN = 50
VALIDATING_SHARE = 0.1
MOST_LINES = 50_000
LIFETIME_S = 24 * 3600


class BatchStatus(StrEnum):
    """OpenAI's words for a batch's life."""

    VALIDATING = "validating"
    FAILED = "failed"
    IN_PROGRESS = "in_progress"
    FINALIZING = "finalizing"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


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
            "expired_at": None,
            "cancelling_at": self.reached.get(BatchStatus.CANCELLED),
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

    def reset(self) -> None:
        """Forget all files and batches; running ones are stopped."""
        for task in self._running:
            task.cancel()
        self._files.clear()
        self._batches.clear()

    def add_file(self, upload: Upload) -> StoredFile:
        """Keep an uploaded file."""
        self._number += 1
        stored = StoredFile(f"file-{self._number:08x}", upload, int(time.time()))
        self._files[stored.id] = stored
        return stored

    def file(self, file_id: str) -> StoredFile:
        """A file by its id; 404 where there is none."""
        return self._files.get(file_id) or _missing("File", file_id)

    def files(self) -> list[dict[str, Any]]:
        """All files, newest first."""
        return [stored.as_json() for stored in reversed(self._files.values())]

    def delete_file(self, file_id: str) -> dict[str, Any]:
        """Drop a file."""
        del self._files[self.file(file_id).id]
        return {"id": file_id, "object": "file", "deleted": True}

    def batch(self, batch_id: str) -> Batch:
        """A batch by its id; 404 where there is none."""
        return self._batches.get(batch_id) or _missing("Batch", batch_id)

    def batches(self) -> list[dict[str, Any]]:
        """All batches, newest first."""
        return [batch.as_json() for batch in reversed(self._batches.values())]

    def create(self, payload: dict[str, Any], headers: dict[bytes, bytes]) -> Batch:
        """Start a batch from `{"input_file_id", "endpoint", "completion_window", "metadata"?}`."""
        endpoint, window = payload.get("endpoint"), payload.get("completion_window")
        if endpoint not in ENDPOINTS:
            raise RequestError(f"'endpoint' must be one of {ENDPOINTS}.", param="endpoint")
        if window != "24h":
            raise RequestError("'completion_window' must be '24h'.", param="completion_window")
        stored = self.file(str(payload.get("input_file_id")))
        self._number += 1
        batch = Batch(
            f"batch_{self._number:08x}",
            endpoint,
            stored,
            window,
            payload.get("metadata"),
            headers,
            int(time.time()),
        )
        self._batches[batch.id] = batch
        task = asyncio.get_running_loop().create_task(self._run(batch))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return batch

    def cancel(self, batch_id: str) -> Batch:
        """Stop a batch; what is done stays done."""
        batch = self.batch(batch_id)
        if batch.status in (BatchStatus.COMPLETED, BatchStatus.FAILED):
            raise RequestError(f"Cannot cancel a batch that is {batch.status}.", status=409)
        batch.move(BatchStatus.CANCELLED)
        return batch

    async def _run(self, batch: Batch) -> None:
        """Validate, wait the set delay, then answer every line and file the answers."""
        delay_s = self._teacher.settings.batch_delay_s
        await asyncio.sleep(delay_s * VALIDATING_SHARE)
        if batch.status is BatchStatus.CANCELLED:
            return
        lines, batch.errors = _read_lines(batch.input_file.upload.content, batch.endpoint)
        if batch.errors:
            batch.move(BatchStatus.FAILED)
            return
        batch.total = len(lines)
        batch.move(BatchStatus.IN_PROGRESS)
        await asyncio.sleep(delay_s * (1 - VALIDATING_SHARE))
        await self._answer(batch, lines)

    async def _answer(self, batch: Batch, lines: list[dict[str, Any]]) -> None:
        answered: list[bytes] = []
        refused: list[bytes] = []
        for position, line in enumerate(lines):
            if position % LINES_A_TURN == 0:
                await asyncio.sleep(0)
            if batch.status is BatchStatus.CANCELLED:
                break
            result = self._answer_line(batch, position, line)
            good = result["response"] is not None and result["response"]["status_code"] < 400
            batch.completed += good
            batch.failed += not good
            (answered if good else refused).append(orjson.dumps(result))
        if batch.status is not BatchStatus.CANCELLED:
            batch.move(BatchStatus.FINALIZING)
        batch.output_file_id = self._file_lines(batch, "output", answered)
        batch.error_file_id = self._file_lines(batch, "errors", refused)
        if batch.status is not BatchStatus.CANCELLED:
            batch.move(BatchStatus.COMPLETED)

    def _answer_line(self, batch: Batch, position: int, line: dict[str, Any]) -> dict[str, Any]:
        """One line of the output or error file; a reply that is no JSON becomes an error."""
        arrival = self._teacher.arrive(batch.endpoint, batch.headers, batch.id)
        plan = self._teacher.decide(arrival, orjson.dumps(line["body"]))
        self._teacher.replied(arrival, "sent")
        result: dict[str, Any] = {
            "id": f"batch_req_{batch.id}_{position}",
            "custom_id": line["custom_id"],
            "response": None,
            "error": None,
        }
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


def _missing(noun: str, name: str) -> Any:
    raise RequestError(f"No such {noun} object: {name}", status=404, param="id")


def _read_lines(content: bytes, endpoint: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(lines, errors) of a batch's input file; with any error the batch fails as a whole."""
    lines: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    seen: set[str] = set()
    for number, raw in enumerate(content.splitlines(), start=1):
        if not raw.strip():
            continue
        problem, line = _read_line(raw, endpoint, seen)
        if problem:
            code, message = problem
            errors.append({"code": code, "line": number, "message": message, "param": None})
        lines.append(line)
    if not lines:
        message = "The batch input file is empty."
        errors.append({"code": "empty_file", "line": None, "message": message, "param": None})
    if len(lines) > MOST_LINES:
        message = f"At most {MOST_LINES} requests are allowed."
        errors.append({"code": "too_many_tasks", "line": None, "message": message, "param": None})
    return lines, errors


def _read_line(
    raw: bytes, endpoint: str, seen: set[str]
) -> tuple[tuple[str, str] | None, dict[str, Any]]:
    try:
        line = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return ("invalid_json_line", "This line is not parseable as valid JSON."), {}
    if not isinstance(line, dict) or not isinstance(line.get("body"), dict):
        return ("missing_required_parameter", "'body' must be an object."), {}
    custom_id = line.get("custom_id")
    if not isinstance(custom_id, str):
        return ("missing_required_parameter", "'custom_id' must be a string."), {}
    if custom_id in seen:
        return ("duplicate_custom_id", f"The custom_id '{custom_id}' is used twice."), {}
    seen.add(custom_id)
    if line.get("method") != "POST":
        return ("invalid_method", "'method' must be POST."), {}
    if line.get("url") != endpoint:
        return ("mismatched_url", f"'url' must be the batch's endpoint {endpoint}."), {}
    return None, line
