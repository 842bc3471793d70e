"""Tests of the door against servers that answer, refuse, break off, drip and lie."""

import asyncio
import gzip
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import orjson
import pytest
from aiohttp import web
from pydantic import SecretStr
from structlog.testing import capture_logs

from app.llm.client import Call, Endpoint, Fault, Outcome, Reply, Teacher
from app.llm.teacher import REPLY_LIMIT_BYTES
from tests.llm.calls import KEY, PROMPT, ask, ask_once, opened, teacher_at
from tests.llm.scripted_teacher import answers, completion, scripted_teacher


def error_body(message: str, code: str | None = None) -> bytes:
    return orjson.dumps({"error": {"message": message, "type": "x", "code": code}})


def test_an_answer_comes_back_with_its_bytes_and_request_id():
    with scripted_teacher(answers(completion(), x_request_id="req_1")) as server:
        reply = ask_once(teacher_at(server.base_url))

    assert (reply.outcome, reply.status, reply.raw) == (Outcome.ANSWERED, 200, completion())
    assert (reply.true_length, reply.request_id, reply.error) == (len(completion()), "req_1", None)
    assert 0.0 < reply.elapsed_s < 5.0


def test_a_request_carries_what_it_must_and_nothing_more():
    with scripted_teacher(answers(completion())) as server:
        ask_once(teacher_at(server.base_url))
        ((_, headers, body),) = server.arrivals

    assert headers.pop("Host")
    assert headers.pop("Content-Length")
    assert {name.lower(): value for name, value in headers.items()} == {
        "authorization": f"Bearer {KEY}",
        "content-type": "application/json",
        "accept": "application/json",
        "accept-encoding": "gzip, deflate",
        "user-agent": "cultivar",
        "x-cultivar-step": "propose",
        "idempotency-key": "slot-0-1",
    }
    assert orjson.loads(body)["max_tokens"] == 64


def test_without_a_key_none_is_sent_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-from-the-environment")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-from-the-environment")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with scripted_teacher(answers(completion())) as server:
        reply = ask_once(teacher_at(server.base_url, api_key=None))
        ((_, headers, _),) = server.arrivals

    assert reply.outcome is Outcome.ANSWERED
    assert "authorization" not in {name.lower() for name in headers}
    assert "from-the-environment" not in str(headers)


def test_the_completions_endpoint_has_its_own_path():
    paths: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        paths.append(request.path)
        return web.json_response({"choices": [{"text": "x"}]})

    with scripted_teacher(handler) as server:
        ask_once(teacher_at(server.base_url, endpoint=Endpoint.COMPLETIONS))
        ask_once(teacher_at(server.base_url + "/"))

    assert paths == ["/v1/completions", "/v1/chat/completions"]


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, b"<html>Welcome</html>", Outcome.UNREADABLE),
        (200, completion()[:40], Outcome.UNREADABLE),
        (200, b'{"error": "overloaded"}', Outcome.UNREADABLE),
        (200, b'{"choices": []}', Outcome.ANSWERED),
        (301, b"", Outcome.REDIRECTED),
        (307, b"", Outcome.REDIRECTED),
        (400, error_body("too long"), Outcome.REFUSED),
        (413, b"", Outcome.REFUSED),
        (422, b'{"detail": "no"}', Outcome.REFUSED),
        (401, error_body("bad key"), Outcome.UNAUTHORIZED),
        (403, b"", Outcome.UNAUTHORIZED),
        (404, error_body("no such model"), Outcome.UNAUTHORIZED),
        (400, error_body("no such model", "model_not_found"), Outcome.UNAUTHORIZED),
        (402, b"", Outcome.QUOTA),
        (429, error_body("pay first", "insufficient_quota"), Outcome.QUOTA),
        (429, error_body("slow down", "rate_limit_exceeded"), Outcome.RATE_LIMITED),
        (408, b"", Outcome.SERVER_ERROR),
        (409, b"", Outcome.SERVER_ERROR),
        (500, b"<html>oops</html>", Outcome.SERVER_ERROR),
        (503, completion(), Outcome.SERVER_ERROR),
        (529, b"", Outcome.SERVER_ERROR),
    ],
)
def test_status_and_body_decide_the_outcome(status: int, body: bytes, outcome: Outcome):
    with scripted_teacher(answers(body, status, Location="http://127.0.0.1:9/")) as server:
        reply = ask_once(teacher_at(server.base_url))

    assert (reply.outcome, reply.status, reply.raw) == (outcome, status, body)
    assert len(server.arrivals) == 1
    if outcome is not Outcome.ANSWERED:
        assert reply.error


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (error_body("The prompt is too long."), "The prompt is too long."),
        (b'{"error": "plain"}', "plain"),
        (b'{"object": "error", "message": "vllm"}', "vllm"),
        (b'{"detail": "fastapi"}', "fastapi"),
        (b"just words", "just words"),
        (b"\x00a\x00b\x07", "ab"),
        (rb'{"error": {"message": "half \ud800 pair"}}', "half  pair"),
        (b"", "HTTP status 400 and an empty body."),
        (b"x" * 100_000, "x" * 2_000),
    ],
)
def test_errors_are_the_providers_own_words(body: bytes, text: str):
    with scripted_teacher(answers(body, 400)) as server:
        assert ask_once(teacher_at(server.base_url)).error == text


@pytest.mark.parametrize("status", [200, 400, 401, 500])
def test_an_echoed_key_is_masked_everywhere(status: int, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    body = error_body(f"Incorrect key {KEY} or sk-abcdefgh or cana****ghij given: Bearer {KEY}")
    with scripted_teacher(answers(body, status, x_request_id=KEY)) as server:
        reply = ask_once(teacher_at(server.base_url))

    shown = f"{reply!r} {reply} {reply.error} {reply.raw!r} {reply.request_id} {caplog.text}"
    assert KEY not in shown
    if status != 200:
        assert reply.error == "Incorrect key [key] or [key] or [key] given: Bearer [key]"


def test_a_key_that_no_header_can_carry_is_named():
    with scripted_teacher(answers(completion())) as server:
        reply = ask_once(teacher_at(server.base_url, api_key=SecretStr("a secret\nof mine €")))

    assert reply.outcome is Outcome.UNAUTHORIZED
    assert "secret" not in str(reply.error)
    assert not server.arrivals


def test_a_large_body_is_cut_at_eight_mebibytes():
    with scripted_teacher(answers(b"x" * (30 * 1024 * 1024))) as server:
        reply = ask_once(teacher_at(server.base_url))

    assert reply.outcome is Outcome.TOO_LARGE
    assert (len(reply.raw), reply.true_length) == (REPLY_LIMIT_BYTES, 30 * 1024 * 1024)


def test_a_gzip_bomb_is_cut_at_eight_mebibytes():
    bomb = gzip.compress(b"\0" * (400 * 1024 * 1024), 1, mtime=0)
    with scripted_teacher(answers(bomb, Content_Encoding="gzip")) as server:
        reply = ask_once(teacher_at(server.base_url))

    assert reply.outcome is Outcome.TOO_LARGE
    assert (len(reply.raw), reply.true_length) == (REPLY_LIMIT_BYTES, None)


def test_a_body_of_just_eight_mebibytes_is_whole():
    text = "x" * (REPLY_LIMIT_BYTES - len(completion("")))
    with scripted_teacher(answers(completion(text))) as server:
        reply = ask_once(teacher_at(server.base_url))

    assert (reply.outcome, len(reply.raw)) == (Outcome.ANSWERED, REPLY_LIMIT_BYTES)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_compressed_answer_is_stored_readable(encoding: str):
    async def handler(request: web.Request) -> web.Response:
        response = web.Response(body=completion())
        response.enable_compression(web.ContentCoding(encoding))
        return response

    with scripted_teacher(handler) as server:
        reply = ask_once(teacher_at(server.base_url))

    assert (reply.outcome, reply.raw) == (Outcome.ANSWERED, completion())


def test_a_body_that_is_not_what_its_encoding_says_is_unreadable():
    with scripted_teacher(answers(completion(), Content_Encoding="gzip")) as server:
        reply = ask_once(teacher_at(server.base_url))

    assert (reply.outcome, reply.status) == (Outcome.UNREADABLE, 200)


def test_no_connection_is_not_sent():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        reply = ask_once(teacher_at(f"http://127.0.0.1:{taken.getsockname()[1]}/v1"))

    assert (reply.outcome, reply.fault) == (Outcome.NOT_SENT, Fault.CONNECT)


def test_an_unknown_host_is_not_sent():
    reply = ask_once(teacher_at("http://no-such-host.invalid/v1"))

    assert (reply.outcome, reply.fault) == (Outcome.NOT_SENT, Fault.DNS)
    assert "no-such-host.invalid" in str(reply.error)


@pytest.mark.parametrize(
    "address",
    ["", "teacher", "http://", "ftp://h/v1", "http://h:99999/v1", "http://u:p@127.0.0.1/v1"],
)
def test_an_address_that_is_none_is_not_sent(address: str):
    reply = ask_once(teacher_at(address))

    assert (reply.outcome, reply.fault) == (Outcome.NOT_SENT, Fault.CONNECT)
    assert "http" in str(reply.error)


@contextmanager
def raw_server(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that does to each connection what `talk(connection)` does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stopping = threading.Event()

        def serve() -> None:
            while not stopping.is_set():
                connection, _ = listener.accept()
                with connection:
                    if not stopping.is_set():
                        talk(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        yield f"127.0.0.1:{port}"
        stopping.set()
        socket.create_connection(("127.0.0.1", port)).close()
        thread.join()


def hang_up(connection: socket.socket) -> None:
    connection.recv(65536)


def test_a_certificate_that_nobody_signed_is_not_sent():
    with raw_server(hang_up) as address:
        reply = ask_once(teacher_at(f"https://{address}/v1", timeout_s=5.0))

    assert reply.outcome is Outcome.NOT_SENT
    assert reply.fault in (Fault.TLS, Fault.CONNECT)


def test_a_reset_after_sending_is_unknown():
    with raw_server(hang_up) as address:
        reply = ask_once(teacher_at(f"http://{address}/v1"))

    assert (reply.outcome, reply.fault) == (Outcome.UNKNOWN, Fault.RESET)


def test_a_reset_in_the_body_is_unknown_and_keeps_what_came():
    def break_off(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + completion()[:50])

    with raw_server(break_off) as address:
        reply = ask_once(teacher_at(f"http://{address}/v1"))

    assert (reply.outcome, reply.fault, reply.status) == (Outcome.UNKNOWN, Fault.RESET, 200)
    assert (reply.raw, reply.true_length) == (completion()[:50], 500)


def test_an_answer_that_is_not_http_is_unknown():
    def mumble(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"220 smtp.example ESMTP\r\n\r\n")

    with raw_server(mumble) as address:
        assert ask_once(teacher_at(f"http://{address}/v1")).outcome is Outcome.UNKNOWN


def test_no_answer_in_time_is_unknown():
    async def handler(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        raise AssertionError

    with scripted_teacher(handler) as server:
        reply = ask_once(teacher_at(server.base_url, timeout_s=0.3))

    assert (reply.outcome, reply.fault) == (Outcome.UNKNOWN, Fault.TIME_OUT)
    assert 0.3 <= reply.elapsed_s < 2.0


def test_a_drip_ends_with_the_whole_time():
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        for byte in completion()[:100]:
            await response.write(bytes([byte]))
            await asyncio.sleep(0.05)
        return response

    with scripted_teacher(handler) as server:
        reply = ask_once(teacher_at(server.base_url, timeout_s=0.5))

    assert (reply.outcome, reply.fault, reply.status) == (Outcome.UNKNOWN, Fault.TIME_OUT, 200)
    assert completion().startswith(reply.raw)
    assert reply.raw


def test_a_callback_that_fails_holds_nobody_up():
    def fail(_: Reply) -> None:
        raise ValueError("the callback's own mistake")

    with (
        capture_logs() as logs,
        scripted_teacher(answers(completion())) as server,
        opened() as door,
    ):
        teacher = teacher_at(server.base_url, max_concurrency=1)
        door.start(Call("slot-0", 1, teacher, PROMPT), fail)
        assert ask(door, teacher, count=3)[-1].outcome is Outcome.ANSWERED

    told = [line for line in logs if line["event"] == "call_not_given_back"]
    assert [type(line["exc_info"]) for line in told] == [ValueError]


def test_a_mistake_in_our_own_code_still_ends_the_call():
    with scripted_teacher(answers(completion())) as server, opened() as door:
        broken = teacher_at(server.base_url, extra_body={"seed": object()}, max_concurrency=1)
        replies = ask(door, broken, count=3)

    assert {reply.fault for reply in replies} == {Fault.UNEXPECTED}
    assert not server.arrivals


def test_a_new_key_is_used_at_once():
    with scripted_teacher(answers(completion())) as server, opened() as door:
        teacher = teacher_at(server.base_url)
        ask(door, teacher)
        ask(door, replace(teacher, api_key=SecretStr("another-key-of-some-length")))

    used = [headers["Authorization"] for _, headers, _ in server.arrivals]
    assert used == [f"Bearer {KEY}", "Bearer another-key-of-some-length"]


def test_neither_key_nor_prompt_show_in_a_repr():
    call = Call("slot-0", 1, Teacher("t", "http://h/v1", "m", api_key=SecretStr(KEY)), PROMPT)

    assert KEY not in repr(call)
    assert PROMPT.text not in repr(call)
