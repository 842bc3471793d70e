"""Every fault as a client meets it, and the seeded choice among them."""

import gzip
import io
import socket
import time
from collections import Counter
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

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
    "429_reset": 429,
    "quota": 429,
    "500": 500,
    "502": 502,
    "503": 503,
    "504": 504,
    "refuse": 400,
}


@pytest.fixture(scope="module")
def faulty() -> Iterator[RunningTeacher]:
    with start_demo_teacher(
        latency_s=0, hang_s=1, late_s=0.4, drip_s=0.002, huge_mib=9, retry_after_s=3
    ) as running:
        yield running


def meet(teacher: RunningTeacher, fault: str, prompt: str = LIST_PROMPT) -> httpx.Response:
    """One completion that meets the fault."""
    return complete(teacher, prompt, headers={"X-Demo-Fault": fault})


@pytest.mark.parametrize(("fault", "status"), STATUSES.items())
def test_statuses_come_with_an_error_body(faulty: RunningTeacher, fault: str, status: int) -> None:
    headers = {"X-Demo-Fault": fault}
    counted = faulty.stats()["outcomes"].get(fault, 0)
    for reply in (
        complete(faulty, "x", headers=headers),
        chat(faulty, "x", headers=headers),
        ask(faulty, "embeddings", input="x", headers=headers),
    ):
        assert reply.status_code == status
        assert reply.json()["error"].keys() == {"message", "type", "param", "code"}
    assert faulty.stats()["outcomes"][fault] == counted + 3


def test_codes_that_clients_look_for(faulty: RunningTeacher) -> None:
    assert meet(faulty, "quota").json()["error"]["code"] == "insufficient_quota"
    assert meet(faulty, "refuse").json()["error"]["code"] == "content_policy_violation"


def test_retry_after_comes_as_seconds_date_and_junk(faulty: RunningTeacher) -> None:
    assert meet(faulty, "429_seconds").headers["retry-after"] == "3"
    wait = parsedate_to_datetime(meet(faulty, "429_date").headers["retry-after"])
    assert 1 <= wait.timestamp() - time.time() <= 4
    junk = meet(faulty, "429_junk").headers["retry-after"]
    assert not junk.isdigit() or int(junk) == 0
    assert "retry-after" not in meet(faulty, "429_bare").headers
    reset = meet(faulty, "429_reset").headers
    assert "retry-after" not in reset
    assert reset["x-ratelimit-reset-requests"] == "0m3s"
    waits = [meet(faulty, "429", f"{n}").headers["retry-after"] for n in range(60)]
    assert any(wait == "3" for wait in waits)
    assert any("GMT" in wait for wait in waits)
    assert any(wait != "3" and "GMT" not in wait for wait in waits)


@pytest.mark.parametrize("fault", ["reset", "reset_early"])
def test_replies_that_break_off(faulty: RunningTeacher, fault: str) -> None:
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        meet(faulty, fault)
    assert faulty.stats()["in_flight"] == 0


def test_replies_that_never_come(faulty: RunningTeacher) -> None:
    with pytest.raises(httpx.ReadTimeout):
        complete(faulty, "x", timeout_s=0.3, headers={"X-Demo-Fault": "timeout"})
    time.sleep(0.2)
    assert faulty.stats()["in_flight"] == 0
    started = time.monotonic()
    with pytest.raises(httpx.TransportError):
        meet(faulty, "timeout")
    assert 1 <= time.monotonic() - started < 5


def read_until_reset(connection: socket.socket) -> bytes:
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionResetError:
        return received
    pytest.fail("the connection was closed, not reset")


def test_a_reset_is_a_reset_of_the_connection(faulty: RunningTeacher) -> None:
    host, port = faulty.root_url.removeprefix("http://").split(":")
    body = orjson.dumps({"model": "m", "prompt": LIST_PROMPT})
    head = "POST /v1/completions HTTP/1.1\r\nHost: x\r\nX-Demo-Fault: reset\r\n"
    head += f"Content-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(head.encode() + body)
        received = read_until_reset(connection)
    assert received.startswith(b"HTTP/1.1 200")
    assert b'"text"' in received


def test_replies_that_come_slowly(faulty: RunningTeacher) -> None:
    started = time.monotonic()
    reply = meet(faulty, "drip", "Why?")
    assert time.monotonic() - started > 0.002 * len(reply.content)
    assert text_of(reply)
    started = time.monotonic()
    assert text_of(meet(faulty, "late"))
    assert time.monotonic() - started >= 0.4


def test_bodies_that_cannot_be_read(faulty: RunningTeacher) -> None:
    truncated = meet(faulty, "truncated")
    assert truncated.status_code == 200
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(truncated.content)
    page = meet(faulty, "html")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html"
    assert page.text.startswith("<!doctype html>")
    with pytest.raises(UnicodeDecodeError):
        meet(faulty, "bad_utf8").content.decode()
    moved = meet(faulty, "redirect")
    assert moved.status_code == 301
    assert httpx.URL(moved.headers["location"]).host == "teacher.invalid"


def test_bodies_that_are_too_big(faulty: RunningTeacher) -> None:
    huge = meet(faulty, "huge")
    assert len(huge.content) > 9 * 1024 * 1024 - 100
    assert text_of(huge)
    request = {"model": "m", "prompt": "x"}
    headers = {"X-Demo-Fault": "gzip_bomb"}
    address = f"{faulty.base_url}/completions"
    with httpx.stream("POST", address, json=request, headers=headers, timeout=60) as reply:
        packed = b"".join(reply.iter_raw())
    assert reply.headers["content-encoding"] == "gzip"
    assert len(packed) < 4 * 1024 * 1024
    with gzip.GzipFile(fileobj=io.BytesIO(packed)) as unpacked:
        assert sum(len(piece) for piece in iter(lambda: unpacked.read(2**20), b"")) > 2**28


def test_texts_and_reasons_that_are_odd(faulty: RunningTeacher) -> None:
    assert meet(faulty, "empty_choices").json()["choices"] == []
    assert meet(faulty, "null_content").json()["choices"][0]["text"] is None
    for reason in ("length", "content_filter"):
        assert meet(faulty, reason).json()["choices"][0]["finish_reason"] == reason
    assert "\x00" in text_of(meet(faulty, "nul"))
    assert b"\\ud800" in meet(faulty, "surrogate").content
    assert "\ud800" in text_of(meet(faulty, "surrogate"))


def test_usage_that_is_missing_or_absurd(faulty: RunningTeacher) -> None:
    counted = faulty.stats()["prompt_tokens"]
    assert "usage" not in meet(faulty, "no_usage", "four").json()
    assert faulty.stats()["prompt_tokens"] == counted + 1
    told = {meet(faulty, "absurd_usage", f"{n}").json()["usage"]["total_tokens"] for n in range(30)}
    assert told == {0, -1, 10**12}


def test_every_fault_can_be_asked_for_and_no_other(faulty: RunningTeacher) -> None:
    reply = meet(faulty, "nonsense")
    assert reply.status_code == 400
    assert all(name in reply.json()["error"]["message"] for name in Fault)


def test_a_fault_passes_and_a_refusal_stays() -> None:
    with start_demo_teacher(latency_s=0, faults={"500": 0.5, "refuse": 0.2}) as teacher:
        outcomes: dict[int, list[int]] = {}
        for number in list(range(40)) * 10:
            code = complete(teacher, f"prompt {number}").status_code
            outcomes.setdefault(number, []).append(code)
    refused = [codes for codes in outcomes.values() if 400 in codes]
    assert 2 <= len(refused) <= 16
    assert all(set(codes) == {400} for codes in refused)
    passing = [set(codes) for codes in outcomes.values() if 400 not in codes]
    assert all(codes == {200, 500} for codes in passing)


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


def test_the_mix_is_a_third_of_all_calls_and_what_is_named_besides_wins() -> None:
    whole = parse_faults("mix=1").rates
    assert 0.3 < sum(whole.values()) < 0.36
    half = parse_faults("500=0,mix=0.5,drip=0").rates
    assert half[Fault.SERVER_ERROR] == half[Fault.DRIP] == 0.0
    assert half[Fault.LENGTH] == whole[Fault.LENGTH] / 2
