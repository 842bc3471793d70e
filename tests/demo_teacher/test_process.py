"""The process: its port, its logs, its end, and a small crowd of callers."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import httpx
import pytest

from tests.demo_teacher.talking import LIST_PROMPT, complete
from tests.demo_teacher_process import (
    ROOT,
    DemoTeacherDied,
    RunningTeacher,
    start_demo_teacher,
)

CROWD, CALLS = 200, 1200


def test_it_names_its_port(tmp_path: Path) -> None:
    port_file = tmp_path / "port"
    with start_demo_teacher(port_file=port_file) as teacher:
        assert teacher.base_url == f"http://127.0.0.1:{port_file.read_text()}/v1"


def test_a_taken_port_is_one_clear_line(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(DemoTeacherDied, match="status 1"):
            start_demo_teacher(port=taken.getsockname()[1])
    told = capfd.readouterr().err
    assert told.startswith("demo teacher: ")
    assert told.count("\n") == 1


def test_every_arrival_is_one_line_of_the_log(tmp_path: Path) -> None:
    log, reply_log = tmp_path / "arrivals.jsonl", tmp_path / "replies.jsonl"
    options = {"log": log, "reply_log": reply_log, "faults": {"refuse": 0.3}, "latency_s": 0}
    with start_demo_teacher(**options) as teacher:
        headers = {"X-Request-Id": "r1", "Idempotency-Key": "i1", "X-Cultivar-Step": "propose"}
        headers["Authorization"] = "Bearer canary-key"
        for number in range(20):
            complete(teacher, f"{number} {LIST_PROMPT}", headers=headers)
        httpx.post(f"{teacher.base_url}/completions", content=b"{")
        complete(teacher, f"0 {LIST_PROMPT}")
        arrivals = [json.loads(line) for line in log.read_text().splitlines()]
        # Written once it is sent, by when the last answer may be here.
        wait_until(lambda: len(reply_log.read_text().splitlines()) == 22)
        replies = [json.loads(line) for line in reply_log.read_text().splitlines()]
    assert [line["number"] for line in arrivals] == list(range(1, 23))
    first = arrivals[0]
    assert (first["step"], first["attempt"], first["request_id"]) == ("propose", 1, "r1")
    assert first["idempotency_key"] == "i1"
    assert abs(first["time"] - time.time()) < 60
    assert {line["outcome"] for line in arrivals[:20]} == {"ok", "refuse"}
    assert arrivals[20]["status"] == 400
    assert (arrivals[21]["digest"], arrivals[21]["attempt"]) == (first["digest"], 2)
    assert [line["number"] for line in replies] == list(range(1, 23))
    assert {line["outcome"] for line in replies} == {"sent"}
    assert "canary" not in log.read_text()


def test_a_client_that_gives_up_is_logged_as_gone(tmp_path: Path) -> None:
    reply_log = tmp_path / "replies.jsonl"
    with start_demo_teacher(latency_s=0.4, reply_log=reply_log) as teacher:
        with pytest.raises(httpx.ReadTimeout):
            complete(teacher, "x", timeout_s=0.1)
        time.sleep(0.6)
        assert json.loads(reply_log.read_text())["outcome"] == "client_gone"
        assert teacher.stats()["in_flight"] == 0


async def crowd(teacher: RunningTeacher) -> list[int]:
    numbers = iter(range(CALLS))
    statuses: list[int] = []
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def caller() -> None:
            for number in numbers:
                body = {"model": "demo", "prompt": f"{number} {LIST_PROMPT}"}
                async with session.post(f"{teacher.base_url}/completions", json=body) as reply:
                    await reply.read()
                    statuses.append(reply.status)

        await asyncio.gather(*(caller() for _ in range(CROWD)))
    return statuses


def test_two_hundred_callers_at_once() -> None:
    with start_demo_teacher(latency_s=0.5) as teacher:
        statuses = asyncio.run(crowd(teacher))
        stats = teacher.stats()
    assert statuses == [200] * CALLS
    assert stats["calls"] == stats["distinct_prompts"] == CALLS
    assert stats["max_in_flight"] == CROWD


def test_sigterm_ends_it_soon_even_with_calls_in_flight() -> None:
    body = b'{"model": "m", "prompt": "x"}'
    head = b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    with start_demo_teacher(faults={"timeout": 1}) as teacher:
        host, port = teacher.root_url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=5) as waiting:
            waiting.sendall(head + body)
            wait_until(lambda: teacher.stats()["in_flight"] == 1)
            started = time.monotonic()
            teacher.process.send_signal(signal.SIGTERM)
            teacher.process.wait(10)
        assert time.monotonic() - started < 5


def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    port_file = tmp_path / "port"
    parent = f"""
import subprocess, sys, time
child = subprocess.Popen(
    [sys.executable, "-m", "app.demo_teacher", "--parent-death", "--port-file", {str(port_file)!r}]
)
print(child.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", parent], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        wait_until(port_file.exists)
        process.kill()
    try:
        wait_until(lambda: not alive(child))
    finally:
        if alive(child):
            os.kill(child, signal.SIGKILL)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
