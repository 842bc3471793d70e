"""How near the teacher door alone comes to an ideal client, beside a bare aiohttp loop.

The teacher is a process that answers every request after a fixed time and keeps the time from the
first request in to the last reply out; the share of ideal is calls x latency / in flight over that.
Run: python -m benchmarks.teacher_door [--in-flight 500] [--latency 1.0] [--calls 5000] [--json]
"""

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import cast

import aiohttp
import httpx
import uvloop
from pydantic import SecretStr

from app.domain.method import Decoding, Prompt
from app.llm.client import Call, Door, Outcome, Reply, Teacher
from app.llm.limits import LocalLimits

PROMPT = Prompt("propose", "Write one new instruction. " * 60, Decoding(max_tokens=512), "bench@1")
REPLY = json.dumps(
    {
        "id": "x",
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "A line of text. " * 60},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 300, "completion_tokens": 240, "total_tokens": 540},
    }
).encode()


@dataclass(frozen=True)
class Case:
    """One load."""

    in_flight: int
    latency_s: float
    calls: int

    @property
    def ideal_s(self) -> float:
        """The time that a client needs which loses none."""
        return self.calls * self.latency_s / self.in_flight


@dataclass(frozen=True)
class Measured:
    """What one client did with it."""

    client: str
    in_flight: int
    calls: int
    share_of_ideal: float
    cpu_s_per_1000: float
    peak_rss_mb: float


class SlowAnswers(asyncio.Protocol):
    """A teacher reduced to a timer: reads a request, answers later, notes first and last time."""

    latency_s = 1.0
    first = 0.0
    last = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start with nothing read."""
        self.transport = cast("asyncio.Transport", transport)
        self.read = b""

    def data_received(self, data: bytes) -> None:
        """Answer once a request is whole."""
        self.read += data
        head, separator, body = self.read.partition(b"\r\n\r\n")
        if not separator:
            return
        lines = head.lower().split(b"\r\n")
        sizes = [int(line[15:]) for line in lines if line.startswith(b"content-length:")]
        if len(body) < sum(sizes):
            return
        self.read = b""
        if head.startswith(b"GET"):
            self.reply(json.dumps({"elapsed_s": self.last - self.first}).encode())
            return
        now = time.monotonic()
        SlowAnswers.first = self.first or now
        asyncio.get_running_loop().call_later(self.latency_s, self.answer)

    def answer(self) -> None:
        """Send the reply that is due."""
        SlowAnswers.last = time.monotonic()
        self.reply(REPLY)

    def reply(self, body: bytes) -> None:
        """Write one HTTP reply."""
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        self.transport.write(head.encode() + b"\r\n\r\n" + body)


async def serve(latency_s: float) -> None:
    """Listen on a free port, print it, answer for ever."""
    SlowAnswers.latency_s = latency_s
    server = await asyncio.get_running_loop().create_server(
        SlowAnswers, "127.0.0.1", 0, backlog=4096
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def through_the_door(base_url: str, case: Case) -> None:
    """Make the calls with the door, one more whenever one comes back."""
    teacher = Teacher(
        id="bench", base_url=base_url, model="m", api_key=SecretStr("k" * 40),
        max_concurrency=case.in_flight,
    )  # fmt: skip
    door = Door(LocalLimits())
    finished = threading.Event()
    issued, answered = case.in_flight, 0
    failures: list[Reply] = []

    def take(reply: Reply) -> None:
        nonlocal issued, answered
        answered += 1
        if reply.outcome is not Outcome.ANSWERED:
            failures.append(reply)
        if issued < case.calls:
            issued += 1
            door.start(Call(f"slot-{issued}", 1, teacher, PROMPT), take)
        elif answered == case.calls:
            finished.set()

    for number in range(case.in_flight):
        door.start(Call(f"slot-{number}", 1, teacher, PROMPT), take)
    finished.wait()
    door.close()
    if failures:
        raise SystemExit(f"{len(failures)} calls failed, the first: {failures[0].error}")


def through_aiohttp(base_url: str, case: Case) -> None:
    """Make the calls with nothing but aiohttp, for comparison."""
    uvloop.run(_bare_loop(base_url, case))


async def _bare_loop(base_url: str, case: Case) -> None:
    body = json.dumps(
        {"model": "m", "messages": [{"role": "user", "content": PROMPT.text}], "max_tokens": 512}
    ).encode()
    headers = {"Authorization": "Bearer " + "k" * 40, "Content-Type": "application/json"}
    left = case.calls

    async def caller(session: aiohttp.ClientSession) -> None:
        nonlocal left
        while left > 0:
            left -= 1
            async with session.post(
                f"{base_url}/chat/completions", data=body, headers=headers
            ) as response:
                await response.read()

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(caller(session) for _ in range(case.in_flight)))


CLIENTS: dict[str, Callable[[str, Case], None]] = {
    "door": through_the_door,
    "aiohttp": through_aiohttp,
}


def measure(client: str, case: Case) -> Measured:
    """Run one client against a teacher of its own."""
    command = [sys.executable, "-m", "benchmarks.teacher_door", "--serve", str(case.latency_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as teacher:
        port = int(teacher.stdout.readline()) if teacher.stdout else 0
        root = f"http://127.0.0.1:{port}"
        before = _cpu_s()
        CLIENTS[client](f"{root}/v1", case)
        cpu_s = _cpu_s() - before
        elapsed_s = httpx.get(root, timeout=30).json()["elapsed_s"]
        teacher.terminate()
    peak_rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    share = case.ideal_s / elapsed_s
    per_1000 = cpu_s * 1000 / case.calls
    return Measured(
        client, case.in_flight, case.calls, round(share, 3), round(per_1000, 3), round(peak_rss_mb)
    )


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Print a table and, last, one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--in-flight", type=int, default=500)
    parser.add_argument("--latency", type=float, default=1.0)
    parser.add_argument("--calls", type=int, default=5000)
    parser.add_argument("--json", action="store_true", help="the door alone, last line JSON")
    parser.add_argument("--serve", type=float, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve is not None:
        with suppress(KeyboardInterrupt):
            uvloop.run(serve(given.serve))
        return
    case = Case(given.in_flight, given.latency, given.calls)
    results = [measure(client, case) for client in (["door"] if given.json else CLIENTS)]
    print(f"{'client':10}{'in flight':>10}{'calls':>8}{'share':>8}{'CPU s/1000':>12}{'MB':>6}")
    for each in results:
        print(
            f"{each.client:10}{each.in_flight:>10}{each.calls:>8}{each.share_of_ideal:>8}"
            f"{each.cpu_s_per_1000:>12}{each.peak_rss_mb:>6.0f}"
        )
    print(json.dumps(asdict(results[0]) if given.json else [asdict(each) for each in results]))


if __name__ == "__main__":
    main()
