"""Every fault as a client meets it, and the seeded choice among them."""

import gzip
import io
import socket
import time
from collections import Counter
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import orjson
import pytest

from app.demo_teacher.draws import prompt_digest
from app.demo_teacher.faults import Fault, FaultPlan, parse_faults
from tests.demo_teacher.talking import LIST_PROMPT, ask, chat, complete, text_of
from tests.demo_teacher_process import RunningTeacher, start_demo_teacher

STATUSES = {
    "400": 400,
    "401": 401,
    "403": 403,
    "404": 404,
    "408": 408,
    "409": 409,
    "422": 422,
    "429_bare": 429,
    "quota": 429,
    "500": 500,
    "502": 502,
    "503": 503,
    "504": 504,
    "refuse": 400,
}


def start(fault: str, **options: Any) -> RunningTeacher:
    return start_demo_teacher(faults={fault: 1}, latency_s=0, **options)


@pytest.mark.parametrize(("fault", "status"), STATUSES.items())
def test_statuses_come_with_an_error_body(fault: str, status: int) -> None:
    with start(fault) as teacher:
        for reply in (complete(teacher, "x"), chat(teacher, "x"), ask_embedding(teacher)):
            assert reply.status_code == status
            assert reply.json()["error"].keys() == {"message", "type", "param", "code"}
        assert teacher.stats()["outcomes"] == {fault: 3}


def ask_embedding(teacher: RunningTeacher) -> httpx.Response:
    return ask(teacher, "embeddings", input="x")


def test_codes_that_clients_look_for() -> None:
    with start("quota") as teacher:
        assert complete(teacher, "x").json()["error"]["code"] == "insufficient_quota"
    with start("refuse") as teacher:
        assert complete(teacher, "x").json()["error"]["code"] == "content_policy_violation"


def test_retry_after_comes_as_seconds_date_and_junk() -> None:
    with start("429_seconds", retry_after_s=3) as teacher:
        assert complete(teacher, "x").headers["retry-after"] == "3"
    with start("429_date", retry_after_s=5) as teacher:
        wait = parsedate_to_datetime(complete(teacher, "x").headers["retry-after"])
        assert 2 <= wait.timestamp() - time.time() <= 6
    with start("429_junk") as teacher:
        junk = complete(teacher, "x").headers["retry-after"]
        assert not junk.isdigit() or int(junk) == 0
    with start("429_bare") as teacher:
        assert "retry-after" not in complete(teacher, "x").headers
    with start("429") as teacher:
        waits = [complete(teacher, f"{n}").headers["retry-after"] for n in range(60)]
        assert any(wait == "1" for wait in waits)
        assert any("GMT" in wait for wait in waits)
        assert any(wait != "1" and "GMT" not in wait for wait in waits)


def test_replies_that_do_not_arrive() -> None:
    for fault in ("reset", "reset_early"):
        with start(fault) as teacher:
            with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
                complete(teacher, LIST_PROMPT)
            assert teacher.stats()["in_flight"] == 0
    with start("timeout", hang_s=30) as teacher:
        with pytest.raises(httpx.ReadTimeout):
            complete(teacher, "x", timeout_s=0.3)
        time.sleep(0.2)
        assert teacher.stats()["in_flight"] == 0
    with start("timeout", hang_s=0.2) as teacher, pytest.raises(httpx.TransportError):
        complete(teacher, "x")


def read_until_reset(connection: socket.socket) -> bytes:
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionResetError:
        return received
    pytest.fail("the connection was closed, not reset")


def test_a_reset_is_a_reset_of_the_connection() -> None:
    with start("reset") as teacher:
        host, port = teacher.root_url.removeprefix("http://").split(":")
        body = orjson.dumps({"model": "m", "prompt": LIST_PROMPT})
        head = f"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(head.encode() + body)
            received = read_until_reset(connection)
        assert received.startswith(b"HTTP/1.1 200")
        assert b'"text"' in received


def test_replies_that_come_slowly() -> None:
    with start("drip", drip_s=0.002) as teacher:
        started = time.monotonic()
        reply = complete(teacher, "Why?")
        assert time.monotonic() - started > 0.002 * len(reply.content)
        assert text_of(reply)
    with start("late", late_s=0.4) as teacher:
        started = time.monotonic()
        assert text_of(complete(teacher, "Why?"))
        assert time.monotonic() - started >= 0.4


def test_bodies_that_cannot_be_read() -> None:
    with start("truncated") as teacher:
        reply = complete(teacher, LIST_PROMPT)
        assert reply.status_code == 200
        with pytest.raises(orjson.JSONDecodeError):
            orjson.loads(reply.content)
    with start("html") as teacher:
        reply = complete(teacher, "x")
        assert reply.status_code == 200
        assert reply.headers["content-type"] == "text/html"
        assert reply.text.startswith("<!doctype html>")
    with start("bad_utf8") as teacher, pytest.raises(UnicodeDecodeError):
        complete(teacher, LIST_PROMPT).content.decode()
    with start("redirect") as teacher:
        reply = complete(teacher, "x")
        assert reply.status_code == 301
        assert httpx.URL(reply.headers["location"]).host == "teacher.invalid"


def test_bodies_that_are_too_big() -> None:
    with start("huge", huge_mib=9) as teacher:
        reply = complete(teacher, "x")
        assert len(reply.content) > 9 * 1024 * 1024 - 100
        assert text_of(reply)
    with start("gzip_bomb") as teacher:
        request = {"model": "m", "prompt": "x"}
        with httpx.stream("POST", f"{teacher.base_url}/completions", json=request) as reply:
            packed = b"".join(reply.iter_raw())
        assert reply.headers["content-encoding"] == "gzip"
        assert len(packed) < 4 * 1024 * 1024
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as unpacked:
            assert sum(len(piece) for piece in iter(lambda: unpacked.read(2**20), b"")) > 2**28


def test_texts_and_reasons_that_are_odd() -> None:
    with start("empty_choices") as teacher:
        assert complete(teacher, "x").json()["choices"] == []
    with start("null_content") as teacher:
        assert chat(teacher, "x").json()["choices"][0]["message"]["content"] is None
    with start("length") as teacher:
        assert complete(teacher, LIST_PROMPT).json()["choices"][0]["finish_reason"] == "length"
    with start("content_filter") as teacher:
        reply = complete(teacher, LIST_PROMPT).json()
        assert reply["choices"][0]["finish_reason"] == "content_filter"
    with start("nul") as teacher:
        assert "\x00" in text_of(complete(teacher, LIST_PROMPT))
    with start("surrogate") as teacher:
        assert "\ud800" in text_of(complete(teacher, LIST_PROMPT))


def test_usage_that_is_missing_or_absurd() -> None:
    with start("no_usage") as teacher:
        assert "usage" not in complete(teacher, "x").json()
        assert teacher.stats()["prompt_tokens"] == 1
    with start("absurd_usage") as teacher:
        told = {complete(teacher, f"{n}").json()["usage"]["total_tokens"] for n in range(30)}
        assert told == {0, -1, 10**12}


def test_a_fault_passes_and_a_refusal_stays() -> None:
    with start_demo_teacher(latency_s=0, faults={"500": 0.5, "refuse": 0.2}) as teacher:
        outcomes: dict[int, list[str]] = {}
        for _ in range(12):
            for number in range(40):
                code = complete(teacher, f"prompt {number}").status_code
                outcomes.setdefault(number, []).append(str(code))
        refused = [codes for codes in outcomes.values() if "400" in codes]
        assert 2 <= len(refused) <= 16
        assert all(set(codes) == {"400"} for codes in refused)
        passing = [codes for codes in outcomes.values() if "400" not in codes]
        assert all(set(codes) == {"200", "500"} for codes in passing)


def test_rates_are_kept_and_the_choice_is_a_function_of_prompt_and_attempt() -> None:
    plan = parse_faults("429=0.05,500=0.05,reset=0.02,timeout=0.01,refuse=0.1")
    drawn = [plan.choose(1, prompt_digest(f"{n}"), 1) for n in range(20_000)]
    assert drawn == [plan.choose(1, prompt_digest(f"{n}"), 1) for n in range(20_000)]
    counts = Counter(drawn)
    assert abs(counts[Fault.REFUSE] / 20_000 - 0.1) < 0.01
    assert abs(counts[Fault.SERVER_ERROR] / 18_000 - 0.05) < 0.008
    again = [plan.choose(1, prompt_digest(f"{n}"), 2) for n in range(20_000)]
    assert again != drawn
    assert FaultPlan().choose(1, b"x", 1) is None
