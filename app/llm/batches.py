"""A teacher's files and batches: upload, create, look for, poll, cancel, fetch."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, BinaryIO, TypeVar, cast
from urllib.parse import quote

import aiohttp
import httpx2

from app.llm.addresses import AddressRefused
from app.llm.batch_lines import endpoint_url
from app.llm.guard import Guard
from app.llm.outcomes import error_text, outcome_of_status
from app.llm.redaction import Redactor
from app.llm.replies import parse_body
from app.llm.teacher import Endpoint, Outcome, Teacher
from app.llm.transport import UNSENDABLE_KEY, Line, UnusableAddress, fault_of, outcome_of_fault
from app.llm.waits import retry_after_s

COMPLETION_WINDOW = "24h"
BATCH_KEY = "cultivar_batch"
MOST_RESULT_BYTES = 4 << 30

_MOST_ANSWER_BYTES = 16 << 20
_ANSWER_TIMEOUT_S = 60.0
_TRANSFER_TIMEOUT_S = 600.0
_PAGE = 100
_MOST_PAGES = 50
_CLOCK_SKEW_S = 3600
_MOST_ERRORS = 50_000
_FINAL = frozenset({"completed", "failed", "expired", "cancelled", "canceled"})
Found = TypeVar("Found")


class BatchCallFailed(Exception):
    """A request about a batch that brought no answer; `outcome` says whether it may have worked."""

    def __init__(
        self,
        outcome: Outcome,
        detail: str,
        *,
        status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.outcome, self.detail = outcome, detail
        self.status, self.retry_after_s = status, retry_after_s


@dataclass(frozen=True, slots=True)
class BatchError:
    """Why a batch failed its validation; `line` counts the input file's lines from 1."""

    code: str
    message: str
    line: int | None


@dataclass(frozen=True, slots=True)
class RemoteBatch:
    """A batch as the teacher tells of it."""

    id: str
    state: str
    output_file_id: str | None
    error_file_id: str | None
    completed: int
    failed: int
    errors: tuple[BatchError, ...]

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it; a state that nobody knows is not over."""
        return self.state in _FINAL


class BatchService:
    """The files and batches of one teacher. Each request has a connection of its own.

    Every method raises BatchCallFailed when there was no answer to use.
    """

    def __init__(self, teacher: Teacher, guard: Guard | None = None) -> None:
        timeout_s = min(teacher.timeout_s, _ANSWER_TIMEOUT_S)
        self._teacher = replace(teacher, timeout_s=timeout_s)
        self._patient = replace(teacher, timeout_s=max(teacher.timeout_s, _TRANSFER_TIMEOUT_S))
        self._redactor = Redactor(teacher.api_key)
        self._guard = guard or Guard()

    def upload(self, name: str, content: bytes) -> str:
        """Store an input file; returns its id."""
        form = {
            "data": {"purpose": "batch"},
            "files": {"file": (name, content, "application/jsonl")},
        }
        return self._id_of(self._asked(self._patient, "POST", "files", **form))

    def create(self, input_file_id: str, endpoint: Endpoint, key: str) -> RemoteBatch:
        """Start a batch that is marked with `key`, to be found by it."""
        wanted = {
            "input_file_id": input_file_id,
            "endpoint": endpoint_url(endpoint),
            "completion_window": COMPLETION_WINDOW,
            "metadata": {BATCH_KEY: key},
        }
        return self._batch(self._asked(self._teacher, "POST", "batches", json=wanted))

    def find(self, input_file_id: str, key: str, created_at: datetime) -> RemoteBatch | None:
        """The batch of that key or of that file, looked for among those made since then."""
        oldest = created_at.astimezone(UTC).timestamp() - _CLOCK_SKEW_S
        after: str | None = None
        for _ in range(_MOST_PAGES):
            params = {"limit": _PAGE} | ({"after": after} if after else {})
            page = self._asked(self._teacher, "GET", "batches", params=params)
            listed = _objects(page.get("data"))
            for each in listed:
                if _is_ours(each, input_file_id, key):
                    return self._batch(each)
            after = _name(listed[-1].get("id")) if listed else None
            if not page.get("has_more") or after is None or _before(listed[-1], oldest):
                return None
        return None

    def retrieve(self, batch_id: str) -> RemoteBatch:
        """How a batch stands."""
        return self._batch(self._asked(self._teacher, "GET", f"batches/{_safe(batch_id)}"))

    def cancel(self, batch_id: str) -> RemoteBatch:
        """Ask for no more of a batch; what is done stays done and is paid."""
        path = f"batches/{_safe(batch_id)}/cancel"
        return self._batch(self._asked(self._teacher, "POST", path))

    def delete_file(self, file_id: str) -> None:
        """Remove a file."""
        self._asked(self._teacher, "DELETE", f"files/{_safe(file_id)}")

    def download(self, file_id: str, into: BinaryIO) -> bool:
        """Write a file's content into another; False when it is too long and was cut off."""
        path = f"files/{_safe(file_id)}/content"

        async def fetch(response: httpx2.Response) -> bool:
            length = 0
            async for chunk in response.aiter_bytes():
                length += len(chunk)
                if length > MOST_RESULT_BYTES:
                    return False
                into.write(chunk)
            return True

        return self._run(self._patient, "GET", path, fetch, {})

    def _asked(self, teacher: Teacher, method: str, path: str, **content: Any) -> dict[str, object]:
        raw = self._run(teacher, method, path, _read_answer, content)
        body = parse_body(raw)
        if body is None:
            raise BatchCallFailed(Outcome.UNREADABLE, "The answer is not a JSON object.")
        return body

    def _run(
        self,
        teacher: Teacher,
        method: str,
        path: str,
        read: Callable[[httpx2.Response], Awaitable[Found]],
        content: Mapping[str, Any],
    ) -> Found:
        return asyncio.run(self._request(teacher, method, path, read, content))

    async def _request(
        self,
        teacher: Teacher,
        method: str,
        path: str,
        read: Callable[[httpx2.Response], Awaitable[Found]],
        content: Mapping[str, Any],
    ) -> Found:
        line = self._line(teacher)
        try:
            async with (
                asyncio.timeout(teacher.timeout_s),
                line.opened(method, path, **content) as it,
            ):
                if not 200 <= it.status_code < 300:
                    raise await self._refused(it)
                return await read(it)
        except TimeoutError:
            text = f"No answer within {teacher.timeout_s:g} s."
            raise BatchCallFailed(Outcome.UNKNOWN, text) from None
        except (httpx2.HTTPError, aiohttp.ClientError, OSError) as error:
            raise self._broken(teacher, error) from None
        finally:
            await line.close()

    def _line(self, teacher: Teacher) -> Line:
        try:
            line = Line(teacher, _tls(), self._guard)
        except AddressRefused as error:
            raise BatchCallFailed(Outcome.UNAUTHORIZED, str(error)) from None
        except UnusableAddress as error:
            raise BatchCallFailed(Outcome.NOT_SENT, str(error)) from None
        if not line.key_fits:
            raise BatchCallFailed(Outcome.UNAUTHORIZED, UNSENDABLE_KEY)
        return line

    async def _refused(self, response: httpx2.Response) -> BatchCallFailed:
        raw = await _read_answer(response)
        status = response.status_code
        headers = {name.lower(): value for name, value in response.headers.items()}
        outcome = outcome_of_status(status, raw)
        text = f"The teacher redirects (status {status}); that is never followed."
        if outcome is not Outcome.REDIRECTED:
            text = error_text(status, raw)
        wait_s = retry_after_s(headers, datetime.now(UTC))
        return BatchCallFailed(
            outcome, self._redactor.error(text), status=status, retry_after_s=wait_s
        )

    def _broken(self, teacher: Teacher, error: Exception) -> BatchCallFailed:
        fault, text = fault_of(teacher, error.__cause__ or error)
        return BatchCallFailed(outcome_of_fault(fault), self._redactor.error(text))

    def _id_of(self, body: Mapping[str, object]) -> str:
        name = _name(body.get("id"))
        if name is None:
            raise BatchCallFailed(Outcome.UNREADABLE, "The answer names no id.")
        return name

    def _batch(self, body: Mapping[str, object]) -> RemoteBatch:
        counted = _members(body.get("request_counts"))
        state = _name(body.get("status"))
        if state is None:
            raise BatchCallFailed(Outcome.UNREADABLE, "The answer tells no status of the batch.")
        return RemoteBatch(
            id=self._id_of(body),
            state=state,
            output_file_id=_name(body.get("output_file_id")),
            error_file_id=_name(body.get("error_file_id")),
            completed=_count(counted.get("completed")),
            failed=_count(counted.get("failed")),
            errors=self._errors(body.get("errors")),
        )

    def _errors(self, value: object) -> tuple[BatchError, ...]:
        found = _objects(_members(value).get("data"))
        return tuple(
            BatchError(
                code=_name(each.get("code")) or "",
                message=self._redactor.error(_name(each.get("message")) or ""),
                line=_count(each.get("line")) or None,
            )
            for each in found[:_MOST_ERRORS]
        )


@cache
def _tls() -> ssl.SSLContext:
    return httpx2.create_ssl_context()


async def _read_answer(response: httpx2.Response) -> bytes:
    """An answer's body as far as it is wanted."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > _MOST_ANSWER_BYTES:
            break
    return bytes(body[:_MOST_ANSWER_BYTES])


def _is_ours(listed: Mapping[str, object], input_file_id: str, key: str) -> bool:
    """By its mark, or, since some services drop marks, by its file, which no other batch has."""
    marked = _members(listed.get("metadata")).get(BATCH_KEY)
    return marked == key or listed.get("input_file_id") == input_file_id


def _before(listed: Mapping[str, object], oldest: float) -> bool:
    created = listed.get("created_at")
    return isinstance(created, int | float) and created < oldest


def _safe(identifier: str) -> str:
    """An id as one segment of a path, whatever the teacher put into it."""
    return quote(identifier, safe="")


def _members(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _objects(value: object) -> Sequence[dict[str, object]]:
    listed = cast("list[object]", value) if isinstance(value, list) else []
    return [_members(each) for each in listed]


def _name(value: object) -> str | None:
    fits = isinstance(value, str) and value.isprintable() and 0 < len(value) <= 2_000
    return cast("str", value) if fits else None


def _count(value: object) -> int:
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 31
    return cast("int", value) if fits else 0
