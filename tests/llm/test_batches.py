"""A teacher's files and batches over real HTTP, and every way in which asking about them fails."""

import asyncio
import io
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from aiohttp import web
from pydantic import SecretStr

from app.domain.method import Decoding, Prompt
from app.llm.batch_lines import call_line
from app.llm.batches import BatchCallFailed, BatchService, RemoteBatch
from app.llm.teacher import Call, Endpoint, Outcome, Teacher
from tests.demo_teacher_process import RunningTeacher, start_demo_teacher
from tests.llm.scripted_teacher import answers, scripted_teacher

KEY = "sk-canary-0123456789abcdef"


@pytest.fixture(scope="module")
def demo() -> Iterator[RunningTeacher]:
    with start_demo_teacher(latency_s=0, batch_delay_s=0.1, api_key=KEY) as running:
        yield running


def teacher_at(base_url: str, key: str | None = KEY) -> Teacher:
    secret = SecretStr(key) if key is not None else None
    return Teacher("t", base_url, "demo", api_key=secret, timeout_s=20)


@pytest.fixture
def service(demo: RunningTeacher) -> BatchService:
    return BatchService(teacher_at(demo.base_url))


def lines(count: int) -> bytes:
    prompts = [
        Prompt("propose", f"Name colour {n}.", Decoding(max_tokens=9), "p@1") for n in range(count)
    ]
    teacher = teacher_at("http://host/v1")
    return b"".join(call_line(Call(f"s{n}", 1, teacher, each)) for n, each in enumerate(prompts))


def over(service: BatchService, batch: RemoteBatch) -> RemoteBatch:
    deadline = time.monotonic() + 20
    while not batch.is_over:
        assert time.monotonic() < deadline
        time.sleep(0.05)
        batch = service.retrieve(batch.id)
    return batch


def failing(service: BatchService) -> BatchCallFailed:
    with pytest.raises(BatchCallFailed) as caught:
        service.retrieve("batch_1")
    assert KEY not in caught.value.detail
    return caught.value


def test_from_upload_to_results(service: BatchService) -> None:
    file_id = service.upload("in.jsonl", lines(5))
    begun_at = datetime.now(UTC)
    assert service.find(file_id, "mark", begun_at) is None
    batch = service.create(file_id, Endpoint.CHAT, "mark")
    assert not batch.is_over
    found = service.find("another file", "mark", begun_at)
    assert found is not None
    assert found.id == batch.id
    by_file = service.find(file_id, "another mark", begun_at)
    assert by_file is not None
    assert by_file.id == batch.id
    batch = over(service, batch)
    assert (batch.state, batch.completed, batch.failed) == ("completed", 5, 0)
    assert batch.output_file_id is not None
    into = io.BytesIO()
    assert service.download(batch.output_file_id, into)
    names = {json.loads(line)["custom_id"] for line in into.getvalue().splitlines()}
    assert names == {f"s{n}-1" for n in range(5)}
    service.delete_file(file_id)
    with pytest.raises(BatchCallFailed) as caught:
        service.delete_file(file_id)
    assert (caught.value.outcome, caught.value.status) == (Outcome.UNAUTHORIZED, 404)


def test_a_batch_is_found_behind_many_others(service: BatchService) -> None:
    file_id = service.upload("in.jsonl", lines(1))
    begun_at = datetime.now(UTC)
    first = service.create(file_id, Endpoint.CHAT, "first")
    other = service.upload("in.jsonl", lines(1))
    for _ in range(101):
        service.create(other, Endpoint.CHAT, "other")
    found = service.find(file_id, "first", begun_at)
    assert found is not None
    assert found.id == first.id


def test_a_refused_file_names_its_lines(service: BatchService) -> None:
    file_id = service.upload("in.jsonl", lines(2) + b"{}\n")
    batch = over(service, service.create(file_id, Endpoint.CHAT, "bad"))
    assert batch.state == "failed"
    assert [(each.line, each.code) for each in batch.errors] == [(3, "missing_required_parameter")]


def test_a_batch_that_is_over_cannot_be_cancelled(service: BatchService) -> None:
    file_id = service.upload("in.jsonl", lines(1))
    batch = over(service, service.create(file_id, Endpoint.CHAT, "done"))
    with pytest.raises(BatchCallFailed) as caught:
        service.cancel(batch.id)
    assert caught.value.status == 409


def test_a_wrong_key_is_told_without_it(demo: RunningTeacher) -> None:
    for key in ("sk-wrong-0123456789abcdef", None):
        error = failing(BatchService(teacher_at(demo.base_url, key)))
        assert error.outcome is Outcome.UNAUTHORIZED
        assert "sk-wrong" not in error.detail
    assert failing(BatchService(teacher_at(demo.base_url, "sk-\u00e4"))).outcome is (
        Outcome.UNAUTHORIZED
    )


def test_nobody_there_is_not_sent() -> None:
    for address in ("http://127.0.0.1:9/v1", "nowhere"):
        assert failing(BatchService(teacher_at(address))).outcome is Outcome.NOT_SENT


ERROR = json.dumps({"error": {"message": f"no, {KEY}", "code": "no"}}).encode()


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (302, b"", Outcome.REDIRECTED),
        (400, ERROR, Outcome.REFUSED),
        (404, ERROR, Outcome.UNAUTHORIZED),
        (429, ERROR, Outcome.RATE_LIMITED),
        (503, ERROR, Outcome.SERVER_ERROR),
        (200, b"<html>", Outcome.UNREADABLE),
        (200, b"{}", Outcome.UNREADABLE),
        (200, b'{"id": 7, "status": "completed"}', Outcome.UNREADABLE),
        (200, b'{"id": "a", "x": "' + b"x" * (17 << 20) + b'"}', Outcome.UNREADABLE),
    ],
)
def test_an_answer_that_is_none_is_an_outcome(status: int, body: bytes, outcome: Outcome) -> None:
    handler = answers(body, status, Location="http://127.0.0.1:9/", Retry_After="7")
    with scripted_teacher(handler) as scripted:
        error = failing(BatchService(teacher_at(scripted.base_url)))
        assert len(scripted.arrivals) == 1, "never repeated, never redirected"
    assert error.outcome is outcome
    if status == 429:
        assert error.retry_after_s == 7


def test_a_teacher_that_falls_silent_is_of_unknown_outcome() -> None:
    async def silent(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    with scripted_teacher(silent) as scripted:
        teacher = replace(teacher_at(scripted.base_url), timeout_s=1)
        assert failing(BatchService(teacher)).outcome is Outcome.UNKNOWN


def test_a_connection_that_breaks_is_of_unknown_outcome() -> None:
    async def broken(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    with scripted_teacher(broken) as scripted:
        assert failing(BatchService(teacher_at(scripted.base_url))).outcome is Outcome.UNKNOWN


def test_nothing_of_the_environment_goes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody-else")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-somebody-else")
    with scripted_teacher(answers(b'{"id": "file-1"}')) as scripted:
        assert BatchService(teacher_at(scripted.base_url, None)).upload("a", b"{}") == "file-1"
        (_, headers, body) = scripted.arrivals[0]
    assert "Authorization" not in headers
    assert not [name for name in headers if name.lower().startswith("openai-")]
    assert headers["Content-Type"].startswith("multipart/form-data")
    assert b'name="purpose"' in body
    assert b'filename="a"' in body


def test_an_id_stays_one_part_of_the_address() -> None:
    told = b'{"id": "a", "status": "completed"}'
    paths: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        paths.append(request.raw_path)
        return web.Response(body=told)

    with scripted_teacher(handler) as scripted:
        BatchService(teacher_at(scripted.base_url)).retrieve("a/b?c#d")
    assert paths == ["/v1/batches/a%2Fb%3Fc%23d"]
