"""Bodies that do not keep to the rules of good behaviour, over a real socket."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from app.main import build_app
from app.runtime import Runtime
from tests.api.conftest import BODY_IDLE_S, MAX_UPLOAD_MIB
from tests.api.wire import answer, connection, head, served
from tests.api.world import build_world, row_counts
from tests.entry import WITH_TOKEN

UPLOAD = "/v1/seed-sets?name=rude"
JSONL = "Content-Type: application/x-ndjson"
LINE = b'{"instruction": "Name a river."}\n'
LIMIT = MAX_UPLOAD_MIB << 20


@pytest.fixture
def port(runtime: Runtime) -> Iterator[int]:
    """A real server over this test's own runtime."""
    with served(build_app(runtime, body_idle_s=BODY_IDLE_S)) as port:
        yield port


def test_a_declared_excess_is_refused_unread(port: int, runtime: Runtime) -> None:
    before = row_counts(runtime)
    with connection(port) as raw:
        raw.sendall(head("POST", UPLOAD, JSONL, f"Content-Length: {LIMIT + 1}"))
        got = answer(raw)
    assert got.startswith(b"HTTP/1.1 413 ")
    assert b'"code":"too_large"' in got
    assert row_counts(runtime) == before


def test_a_chunked_excess_is_refused_on_the_way(port: int, runtime: Runtime) -> None:
    before, enough = row_counts(runtime), 64 << 20
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < enough:
            sent += 65536
            yield b" " * 65536

    with httpx.Client(headers=WITH_TOKEN) as client:
        got = client.post(
            f"http://127.0.0.1:{port}{UPLOAD}",
            content=endless(),
            headers={"content-type": "application/x-ndjson"},
        )
    assert (got.status_code, got.json()["code"]) == (413, "too_large")
    assert got.headers["connection"] == "close"
    assert sent < enough
    assert row_counts(runtime) == before


def test_a_json_body_has_a_smaller_limit(port: int) -> None:
    with connection(port) as raw:
        fields = ("Content-Type: application/json", "Content-Length: 1048577")
        raw.sendall(head("POST", "/v1/jobs", *fields))
        assert answer(raw).startswith(b"HTTP/1.1 413 ")


def test_silence_ends_in_408(port: int, runtime: Runtime) -> None:
    before = row_counts(runtime)
    started = time.monotonic()
    with connection(port) as raw:
        raw.sendall(head("POST", UPLOAD, JSONL, "Content-Length: 5000") + LINE)
        got = answer(raw)
    assert BODY_IDLE_S <= time.monotonic() - started < BODY_IDLE_S + 5
    assert got.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"body_timeout"' in got
    assert row_counts(runtime) == before
    assert list((runtime.settings.home / "uploads").iterdir()) == []


def test_a_slow_but_steady_body_is_taken(port: int) -> None:
    with connection(port) as raw:
        fields = (JSONL, f"Content-Length: {len(LINE)}", "Connection: close")
        raw.sendall(head("POST", UPLOAD, *fields))
        for at in range(0, len(LINE), 11):
            time.sleep(BODY_IDLE_S / 2)
            raw.sendall(LINE[at : at + 11])
        assert answer(raw).startswith(b"HTTP/1.1 201 ")


def test_a_client_that_leaves_leaves_nothing(port: int, runtime: Runtime) -> None:
    before = row_counts(runtime)
    for body in (b"", LINE, LINE[:5]):
        with connection(port) as raw:
            raw.sendall(head("POST", UPLOAD, JSONL, "Content-Length: 5000") + body)
    time.sleep(0.3)
    assert row_counts(runtime) == before
    assert list((runtime.settings.home / "uploads").iterdir()) == []
    assert httpx.get(f"http://127.0.0.1:{port}/healthz").text == "ok"


LYING: tuple[tuple[str, ...], ...] = (
    ("Content-Length: 10",),
    ("Content-Length: -1",),
    ("Content-Length: 1e3",),
    ("Content-Length: 5000", "Transfer-Encoding: chunked"),
    ("Content-Length: 33", "Content-Length: 12"),
    ("Transfer-Encoding: chunked, identity",),
    ("Content-Length: 99999999999999999999999",),
    ("Transfer-Encoding: chunked",),
)


def test_a_length_that_lies_stores_nothing(port: int, runtime: Runtime) -> None:
    before = row_counts(runtime)
    for fields in LYING:
        with connection(port) as raw:
            raw.sendall(head("POST", UPLOAD, JSONL, *fields, "Connection: close") + LINE * 2)
            got = answer(raw)
        assert b"HTTP/1.1 5" not in got, fields
        assert b"HTTP/1.1 2" not in got, fields
        assert row_counts(runtime) == before, fields
    assert httpx.get(f"http://127.0.0.1:{port}/healthz").text == "ok"


def test_ten_thousand_ranges_are_refused_fast(port: int, runtime: Runtime) -> None:
    """Row 15: what CVE-2025-62727 did to others."""
    export = build_world(runtime).ready_export
    path = f"/v1/exports/{export}/download"
    started = time.monotonic()
    for ranges, status in (("0-0," * 6_000 + "0-0", 416), ("0-0," * 10_000 + "0-0", 431)):
        with connection(port) as raw:
            raw.sendall(head("GET", path, f"Range: bytes={ranges}", "Connection: close"))
            got = answer(raw)
        assert got.startswith((f"HTTP/1.1 {status} ".encode(), b"HTTP/1.1 400 "))
    assert time.monotonic() - started < 2.0


def test_slow_uploads_do_not_keep_others_waiting(port: int) -> None:
    with ExitStack() as stack:
        for _ in range(200):
            raw = stack.enter_context(connection(port))
            raw.sendall(head("POST", UPLOAD, JSONL, "Content-Length: 5000") + LINE)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=WITH_TOKEN) as client:
            started = time.monotonic()
            assert client.get("/healthz").status_code == 200
            assert client.get("/v1/jobs").status_code == 200
            assert time.monotonic() - started < 2.0
