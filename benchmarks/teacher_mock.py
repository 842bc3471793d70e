"""A teacher to measure clients against: it answers by timer, refuses, limits, and counts.

A process of its own: one uvloop, httptools for requests, no framework, so that it takes little of
the processor that the client shares with it. `with Mock(case) as mock:` starts one for a load of
`benchmarks.teacher_cases`; `mock.base_url` ends in /v1 and `mock.seen()` is its count so far.
Replies are about 190 characters with a usage of 60 + 45 tokens. A call that carries our own
`X-Cultivar-Step` header gets what that step reads: seven tasks, a No, an output.
"""

import asyncio
import json
import random
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from types import TracebackType
from typing import Any, Self, cast

import httptools
import orjson
import uvloop

from benchmarks.process_tree import die_with_parent
from benchmarks.teacher_cases import BURST, RETRY_AFTER_S, Case, Seen

SYLLABLES = ("ba", "ke", "lo", "mi", "nu", "pa", "re", "so", "ti", "vu", "da", "fe", "go")
WORDS = [
    first + second + third for first in SYLLABLES for second in SYLLABLES for third in SYLLABLES
]
REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 429: "Too Many Requests"}
REFUSAL = {"message": "The prompt was refused.", "type": "invalid_request_error", "code": "refused"}
EMPTY = {"message": "There is no prompt.", "type": "invalid_request_error", "code": "empty"}
LIMITED = {"message": "Slow down.", "type": "requests", "code": "rate_limit_exceeded"}


@dataclass
class Asked:
    """One distinct prompt and what became of it."""

    number: int
    let_in: bool = False
    answered: bool = False


@dataclass
class Bucket:
    """How many calls may come in now."""

    per_s: float
    calls: float = BURST
    at_s: float = field(default_factory=time.monotonic)

    def take(self, now_s: float) -> bool:
        """Let one call in, or not."""
        self.calls = min(float(BURST), self.calls + (now_s - self.at_s) * self.per_s)
        self.at_s = now_s
        if self.calls < 1.0:
            return False
        self.calls -= 1.0
        return True


class Desk:
    """Decides what each call gets, and keeps the count."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.asked: dict[bytes, Asked] = {}
        self.bucket = None if case.limit_per_s is None else Bucket(case.limit_per_s)
        self.rng = random.Random(0)
        self.first_s = self.last_s = 0.0
        self.arrivals = self.answered = self.refused = self.limited = 0
        self.sent_again = self.answered_again = self.in_flight = self.most_in_flight = 0

    def arrive(self, prompt: bytes) -> Asked | None:
        """Count a call in; None where it is over the limit."""
        now_s = time.monotonic()
        self.first_s = self.first_s or now_s
        self.arrivals += 1
        if self.bucket is not None and not self.bucket.take(now_s):
            self.limited += 1
            return None
        asked = self.asked.setdefault(prompt, Asked(len(self.asked) + 1))
        self.sent_again += asked.let_in
        self.answered_again += asked.answered
        asked.let_in = True
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        return asked

    def answer(self, asked: Asked, step: bytes) -> tuple[int, bytes]:
        """Count a call out: status and body."""
        self.in_flight -= 1
        self.last_s = time.monotonic()
        if self.case.is_poison(asked.number):
            self.refused += 1
            return 400, orjson.dumps({"error": REFUSAL})
        self.answered += not asked.answered
        asked.answered = True
        return 200, self._completion(step)

    def seen(self) -> Seen:
        """The count so far."""
        return Seen(
            max(0.0, self.last_s - self.first_s), self.arrivals, len(self.asked), self.answered,
            self.refused, self.limited, self.sent_again, self.answered_again, self.most_in_flight,
        )  # fmt: skip

    def _completion(self, step: bytes) -> bytes:
        message = {"role": "assistant", "content": self._text(step)}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        usage = {"prompt_tokens": 60, "completion_tokens": 45, "total_tokens": 105}
        return orjson.dumps(
            {
                "id": f"chatcmpl-{self.arrivals}",
                "object": "chat.completion",
                "created": 1_700_000_000,
                "model": "mock",
                "choices": [choice],
                "usage": usage,
            }
        )

    def _text(self, step: bytes) -> str:
        if step.startswith(b"propose"):
            return "\n".join(f"{number}. Describe {self._words(12)}." for number in range(9, 16))
        if step.startswith(b"classify"):
            return "No"
        return f"Output: {self._words(26)}."

    def _words(self, count: int) -> str:
        return " ".join(self.rng.choices(WORDS, k=count))


class Connection(asyncio.Protocol):
    """One client connection; a request at a time, as HTTP clients do without pipelining."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.parser: Any = httptools.HttpRequestParser(self)
        self.timer: asyncio.TimerHandle | None = None
        self.path, self.step, self.body = b"", b"", b""
        self.stays = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what replies are written to."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Read on; whoever speaks no HTTP is hung up on."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the reply that nobody waits for."""
        if self.timer is not None:
            self.timer.cancel()
            self.desk.in_flight -= 1

    def on_url(self, url: bytes) -> None:
        """A request begins."""
        self.path, self.step, self.body = url, b"", b""

    def on_header(self, name: bytes, value: bytes) -> None:
        """Only the step is of interest."""
        if name.lower() == b"x-cultivar-step":
            self.step = value

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self.body += body

    def on_message_complete(self) -> None:
        """Answer at once or later."""
        self.stays = self.parser.should_keep_alive()
        if self.parser.get_method() != b"POST":
            self.tell()
            return
        sent = orjson.loads(self.body)
        prompt = sent.get("messages") or sent.get("prompt")
        if not prompt:  # some clients look for rate limits this way before they begin
            self.reply(400, orjson.dumps({"error": EMPTY}))
            return
        asked = self.desk.arrive(orjson.dumps(prompt))
        if asked is None:
            body = orjson.dumps({"error": LIMITED})
            self.desk.last_s = time.monotonic()
            self.reply(429, body, f"Retry-After: {RETRY_AFTER_S}\r\n")
            return
        wait_s = self.desk.case.wait_s(asked.number)
        self.timer = asyncio.get_running_loop().call_later(wait_s, self.answer, asked)

    def answer(self, asked: Asked) -> None:
        """Send the reply that is due."""
        self.timer = None
        self.reply(*self.desk.answer(asked, self.step))

    def tell(self) -> None:
        """Answer the small questions: the count, the models, whether it lives."""
        if self.path.startswith(b"/seen"):
            self.reply(200, orjson.dumps(asdict(self.desk.seen())))
        else:
            model = {"id": "mock", "object": "model", "created": 0, "owned_by": "benchmarks"}
            self.reply(200, orjson.dumps({"object": "list", "data": [model]}))

    def reply(self, status: int, body: bytes, headers: str = "") -> None:
        """Write one HTTP reply."""
        headers += "" if self.stays else "Connection: close\r\n"
        head = (
            f"HTTP/1.1 {status} {REASONS[status]}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n{headers}\r\n"
        )
        self.transport.write(head.encode() + body)
        if not self.stays:
            self.transport.close()


async def serve(case: Case) -> None:
    """Listen on a free port, print it, answer for ever."""
    desk = Desk(case)
    made: Callable[[], Connection] = lambda: Connection(desk)  # noqa: E731 - one line
    server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


class Mock:
    """A teacher in a process of its own, for one client and one load."""

    def __init__(self, case: Case) -> None:
        command = [sys.executable, "-m", "benchmarks.teacher_mock", json.dumps(asdict(case))]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        port = self.process.stdout.readline().strip() if self.process.stdout else ""
        self.root_url = f"http://127.0.0.1:{port}"
        self.base_url = f"{self.root_url}/v1"

    def seen(self) -> Seen:
        """What it has seen so far."""
        with urllib.request.urlopen(f"{self.root_url}/seen", timeout=30) as reply:  # noqa: S310
            return Seen(**json.load(reply))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.terminate()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


if __name__ == "__main__":
    die_with_parent()
    with suppress(KeyboardInterrupt):
        uvloop.run(serve(Case(**json.loads(sys.argv[1]))))
