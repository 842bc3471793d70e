"""Heads of requests without an end, over a real socket: whoever sends them needs no key for it."""

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.api.head_limits import MAX_UNREAD_BYTES, LimitedHead
from app.main import build_app
from tests.api.conftest import Shared
from tests.api.wire import answer, connection, head, served

START = b"GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = head(
    "POST", "/v1/seed-sets?name=rude", "Content-Type: application/x-ndjson",
    "Transfer-Encoding: chunked",
)  # fmt: skip
PIECE = 65_536
ENOUGH = 32 << 20


@pytest.fixture(scope="module")
def port(shared: Shared) -> Iterator[int]:
    """A real server, which no request here changes."""
    with served(build_app(shared[0])) as port:
        yield port


def pour(raw: socket.socket, start: bytes, piece: bytes) -> int:
    """Send without an end in sight; how much went out before the server hung up."""
    sent = 0
    with suppress(ConnectionError):
        raw.sendall(start)
        while sent < ENOUGH:
            raw.sendall(piece)
            sent += len(piece)
    return sent


async def told_last(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads a body and says which header is the last then."""
    while (await receive()).get("more_body"):
        pass
    await Response(scope["headers"][-1][0])(scope, receive, send)


def resident_bytes() -> int:
    """What this process, which is the server too, holds in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (START + b"X-Long: ", b"x" * PIECE),
        (START, b"X-Many: x\r\n" * 6_000),
        (b"GET /", b"x" * PIECE),
        (CHUNKED + b"2\r\n\r\n\r\n0\r\nX-Trailer: ", b"x" * PIECE),
        (CHUNKED + b"5;", b"x" * PIECE),
    ],
    ids=["value", "fields", "address", "trailer", "extension"],
)
def test_14_a_head_without_an_end_is_cut_off(port: int, start: bytes, piece: bytes) -> None:
    before = resident_bytes()
    with connection(port) as raw:
        sent = pour(raw, start, piece)
    assert sent < ENOUGH / 4
    assert resident_bytes() - before < ENOUGH / 2


def test_14_it_is_told_why(port: int) -> None:
    with connection(port) as raw:
        raw.sendall(START + b"X-Long: " + b"x" * MAX_UNREAD_BYTES)
        got = answer(raw)
    assert got.startswith(b"HTTP/1.1 431 ")
    assert b'"code":"headers_too_large"' in got
    assert b"content-security-policy: default-src 'none'; frame-ancestors 'none'" in got.lower()


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTT", START, START + b"X-Slow: x", b"\r\n"])
def test_14_a_head_that_does_not_come_is_not_waited_for(
    port: int, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(LimitedHead, "head_s", 0.2)
    started = time.monotonic()
    with connection(port) as raw:
        raw.sendall(sent)
        assert answer(raw) == b""
    assert 0.1 < time.monotonic() - started < 2.0


def test_14_a_refused_body_is_not_read_for_ever(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LimitedHead, "head_s", 0.2)
    started = time.monotonic()
    with connection(port) as raw:
        raw.sendall(b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n")
        with suppress(ConnectionError):
            while time.monotonic() - started < 5.0:
                raw.sendall(b"x")
                time.sleep(0.02)
    assert time.monotonic() - started < 3.0


def test_a_second_request_on_a_connection_has_its_own_time(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LimitedHead, "head_s", 0.4)
    with connection(port) as raw:
        for _ in range(3):
            raw.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
            time.sleep(0.2)
            raw.sendall(b"\r\n")
            assert raw.recv(65_536).startswith(b"HTTP/1.1 200 ")


def test_what_is_no_http_gets_a_report(port: int) -> None:
    with connection(port) as raw:
        raw.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        got = answer(raw)
    assert got.startswith(b"HTTP/1.1 400 ")
    assert b'"code":"malformed_request"' in got


def test_a_trailer_is_no_header() -> None:
    """It comes after the request was judged."""
    with served(told_last) as port, connection(port) as raw:
        raw.sendall(CHUNKED.replace(b"chunked", b"chunked\r\nConnection: close"))
        raw.sendall(b"2\r\n[]\r\n0\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n")
        got = answer(raw)
    assert got.endswith(b"\r\n\r\nconnection")


@pytest.mark.parametrize("field", ["Host: localhost", "Authorization: Bearer x"])
def test_10_what_decides_is_said_once(port: int, field: str) -> None:
    with connection(port) as raw:
        raw.sendall(head("GET", "/v1/jobs", field, "Connection: close"))
        got = answer(raw)
    assert got.startswith(b"HTTP/1.1 400 ")
    assert b'"code":"malformed_request"' in got


def test_an_upgrade_leads_nowhere(port: int) -> None:
    fields = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
    with connection(port) as raw:
        raw.sendall(head("GET", "/v1/jobs", *fields, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="))
        assert raw.recv(65_536).startswith(b"HTTP/1.1 200 ")
