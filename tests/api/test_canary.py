"""Row 3 of the security table: a teacher echoes its key everywhere, and nobody gets to see it."""

import asyncio
import logging
from collections.abc import Iterator

import orjson
import pytest
from aiohttp import web
from pydantic import SecretStr
from starlette.testclient import TestClient

from app.llm.teacher import Call, Outcome, Reply, Texts
from app.runtime import Runtime
from app.settings import Settings
from app.use_cases import teachers
from app.use_cases.teachers import TeacherDetails
from tests.api.conftest import Shared
from tests.llm.scripted_teacher import ScriptedTeacher, scripted_teacher

KEY = "sk-canary-5f1d2c3b4a5968778695"
ORIGIN = {"Origin": "http://localhost"}
ECHO = orjson.dumps({"error": {"message": f"Bad key {KEY} in Bearer {KEY}", "code": KEY}})
KINDS = (
    *("200", "301", "400", "401", "403", "404", "408", "409", "422", "429", "500", "502", "503"),
    *("html", "truncated", "empty", "gzip", "reset", "silence", "length", "huge_header"),
)


async def echoing(request: web.Request) -> web.StreamResponse:
    """Answer as the path says, with the key that came in every place that an answer has."""
    kind = request.path.split("/")[1]
    told = {"x-request-id": KEY, "Location": f"http://127.0.0.1:9/?key={KEY}", "Retry-After": KEY}
    if kind.isdigit() and kind != "200":
        return web.Response(body=ECHO, status=int(kind), headers=told)
    if kind == "silence":
        await asyncio.sleep(5)
    if kind == "reset" and request.transport is not None:
        request.transport.close()
    if kind == "huge_header":
        return web.Response(body=b"{}", headers={"x": KEY * 500})
    headers = told | ({"Content-Encoding": "gzip"} if kind == "gzip" else {})
    return web.Response(body=_body(kind), headers=headers)


def _body(kind: str) -> bytes:
    message = {"role": "assistant", "content": f"The key is {KEY}."}
    reason = {"length": "length"}.get(kind, "stop")
    choices = [{"index": 0, "message": message, "finish_reason": reason}]
    whole = orjson.dumps({"choices": [] if kind == "empty" else choices, "model": KEY})
    return {"html": f"<html>{KEY}</html>".encode(), "truncated": whole[:-9]}.get(kind, whole)


@pytest.fixture(scope="module")
def echo() -> Iterator[ScriptedTeacher]:
    with scripted_teacher(echoing) as teacher:
        yield teacher


@pytest.fixture(scope="module")
def known(shared: Shared) -> TestClient:
    """A client of one application for all kinds."""
    return shared[1]


@pytest.mark.parametrize("kind", KINDS)
def test_no_answer_of_ours_repeats_what_it_echoes(
    known: TestClient, echo: ScriptedTeacher, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = echo.base_url.replace("/v1", f"/{kind}/v1")
    body = {"name": kind, "base_url": url, "model": "m", "api_key": KEY, "timeout_s": 1}
    added = known.post("/v1/teachers", json=body)
    assert added.status_code == 201, added.text
    address = f"teachers/{added.json()['id']}"
    answers = [
        added,
        known.post(f"/v1/{address}/test"),
        known.post(f"/dashboard/{address}/test", headers=ORIGIN),
        known.get(f"/v1/{address}"),
        known.get(f"/dashboard/{address}/change"),
    ]
    assert f"Bearer {KEY}" in str(echo.arrivals[-1])  # it did get it
    for answer in answers:
        assert answer.status_code < 500
        assert KEY not in answer.text
        assert KEY not in str(answer.headers)
    assert KEY not in caplog.text


def test_another_host_never_gets_the_stored_key(
    client: TestClient, runtime: Runtime, echo: ScriptedTeacher
) -> None:
    """Row 1: the address is changed to somebody else's host, and the key is not sent there."""
    details = TeacherDetails("victim", "https://api.example.com/v1", "m", api_key=SecretStr(KEY))
    victim = teachers.add(runtime, details).id
    echo.arrivals.clear()
    theirs = echo.base_url.replace("/v1", "/200/v1")
    for change in ({"base_url": theirs}, {"base_url": "https://api.example.com:444/v1"},
                   {"base_url": "https://API.example.com.evil.example/v1"}):  # fmt: skip
        refused = client.patch(f"/v1/teachers/{victim}", json=change)
        assert (refused.status_code, refused.json()["code"]) == (409, "key_reentry_required")
        assert KEY not in refused.text
    moved = client.patch(f"/v1/teachers/{victim}", json={"base_url": theirs, "api_key": None})
    assert (moved.status_code, moved.json()["has_key"]) == (200, False)
    assert client.post(f"/v1/teachers/{victim}/test").status_code == 200
    assert echo.arrivals
    assert all("Authorization" not in headers for _, headers, _ in echo.arrivals)


def test_no_object_shows_the_key(runtime: Runtime) -> None:
    from_face = TeacherDetails("t", "https://t.example/v1", "m", api_key=SecretStr(KEY))
    record = teachers.add(runtime, from_face)
    teacher = teachers.to_llm(runtime, record)
    call = Call("slot", 1, teacher, Texts((KEY,)))
    settings = Settings(openai_api_key=SecretStr(KEY), master_key=SecretStr(KEY))
    for held in (from_face, record, teacher, call, Reply(call, Outcome.ANSWERED, raw=KEY.encode(),
                 error=KEY), settings, runtime, runtime.vault):  # fmt: skip
        assert KEY not in repr(held)
        assert KEY not in f"{held}"
    assert KEY not in str(settings.model_dump())
    assert KEY not in settings.model_dump_json()
