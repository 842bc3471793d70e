"""Many clients that follow one job, each asking again when the server says; a process of its own.

Run: python -m benchmarks.service_pollers URL --clients 10000 --seconds 60
Every poll is a connection of its own, since a server closes those that are idle for longer than its
answer says to wait. A poll's time counts from the moment at which it was due, so a client that
cannot keep up shows. Prints one line of JSON.
"""

import argparse
import asyncio
import json
import os
import random
import time
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import SplitResult, urlsplit

WARM_UP_S = 60.0  # until every client has been told the interval that is right for so many
FIRST_WAIT_S = 15.0
TIMEOUT_S = 30.0
TOKEN_VARIABLE = "CULTIVAR_BENCHMARK_TOKEN"  # noqa: S105 - a variable's name


@dataclass
class Polled:
    """What came of the polls after the warm-up, and how many were `asked` in all; in seconds."""

    times_s: list[float] = field(default_factory=list[float])
    asked: int = 0
    unchanged: int = 0
    errors: int = 0
    waits_s: set[int] = field(default_factory=set[int])

    def summary(self, seconds: float) -> dict[str, object]:
        """Counts and quantiles."""
        ordered = sorted(self.times_s) or [0.0]
        at = {name: ordered[int(len(ordered) * share)] for name, share in _QUANTILES}
        return {
            "polls": len(self.times_s),
            "asked": self.asked,
            "polls_a_second": round(len(self.times_s) / seconds, 1),
            "unchanged": self.unchanged,
            "errors": self.errors,
            "waits_s": sorted(self.waits_s),
            **{name: round(value, 4) for name, value in at.items()},
        }


_QUANTILES = (("p50_s", 0.5), ("p99_s", 0.99), ("most_s", 0.99999))


class Poll(asyncio.Protocol):
    """One request on a connection of its own; `done` gets the head of the answer, or nothing.

    Without a client library, whose work would be most of what the two cores do.
    """

    def __init__(self, request: bytes) -> None:
        self.done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._request = request
        self._came = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        cast("asyncio.WriteTransport", transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        """Keep what comes."""
        self._came += data

    def connection_lost(self, exc: Exception | None) -> None:
        """The server closes when it has answered."""
        head, _, _ = self._came.partition(b"\r\n\r\n")
        if not self.done.done():
            self.done.set_result(head)


async def poll(url: SplitResult, etag: str) -> tuple[int, str, float]:
    """Status, ETag and Retry-After of one answer; status 0 where there is none."""
    known = f"Authorization: Bearer {os.environ.get(TOKEN_VARIABLE, '')}\r\n"
    known += f"If-None-Match: {etag}\r\n" if etag else ""
    head = f"GET {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nConnection: close\r\n{known}\r\n"
    try:
        async with asyncio.timeout(TIMEOUT_S):
            loop = asyncio.get_running_loop()
            made = await loop.create_connection(
                lambda: Poll(head.encode()), str(url.hostname), url.port or 80
            )
            first, *lines = (await made[1].done).decode("latin-1").split("\r\n")
        told = dict(line.lower().split(": ", 1) for line in lines)
        return int(first.split()[1]), told["etag"].replace("w/", "W/"), float(told["retry-after"])
    except (OSError, TimeoutError, KeyError, IndexError, ValueError):
        return 0, etag, FIRST_WAIT_S


async def follow(url: SplitResult, polled: Polled, ends_s: float) -> None:
    """One client, from a random moment within the first wait until the end."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    due_s = began_s + random.random() * FIRST_WAIT_S
    etag = ""
    while due_s < ends_s:
        await asyncio.sleep(max(0.0, due_s - loop.time()))
        status, etag, wait_s = await poll(url, etag)
        polled.asked += 1
        if due_s - began_s >= WARM_UP_S:
            polled.times_s.append(loop.time() - due_s)
            polled.unchanged += status == 304
            polled.errors += status not in (200, 304)
            polled.waits_s.add(int(wait_s))
        due_s = loop.time() + wait_s


async def follow_all(url: str, clients: int, seconds: float) -> Polled:
    """All clients for the warm-up and so many seconds more."""
    polled = Polled()
    ends_s = asyncio.get_running_loop().time() + WARM_UP_S + seconds
    await asyncio.gather(*(follow(urlsplit(url), polled, ends_s) for _ in range(clients)))
    return polled


def main() -> None:
    """Print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--clients", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    given = parser.parse_args()
    began_s = time.process_time()
    polled = asyncio.run(follow_all(given.url, given.clients, given.seconds))
    cpu_s = round(time.process_time() - began_s, 1)
    print(json.dumps({**polled.summary(given.seconds), "cpu_s": cpu_s}))


if __name__ == "__main__":
    main()
