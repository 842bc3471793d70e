"""Many clients that follow one job, each asking again when the server says; a process of its own.

Run: python -m benchmarks.service_pollers URL --clients 10000 --seconds 60
Every poll is a connection of its own, since a server closes those that are idle for longer than its
answer says to wait. A poll's time counts from the moment at which it was due, so a client that
cannot keep up shows. Prints one line of JSON.
"""

import argparse
import asyncio
import json
import random
import time
from dataclasses import dataclass, field

import aiohttp

WARM_UP_S = 20.0  # until every client has been told its interval
FIRST_WAIT_S = 15.0


@dataclass
class Polled:
    """What came of the polls after the warm-up; times in seconds."""

    times_s: list[float] = field(default_factory=list[float])
    unchanged: int = 0
    errors: int = 0
    waits_s: set[int] = field(default_factory=set[int])

    def summary(self, seconds: float) -> dict[str, object]:
        """Counts and quantiles."""
        ordered = sorted(self.times_s) or [0.0]
        at = {name: ordered[int(len(ordered) * share)] for name, share in _QUANTILES}
        return {
            "polls": len(self.times_s),
            "polls_a_second": round(len(self.times_s) / seconds, 1),
            "unchanged": self.unchanged,
            "errors": self.errors,
            "waits_s": sorted(self.waits_s),
            **{name: round(value, 4) for name, value in at.items()},
        }


_QUANTILES = (("p50_s", 0.5), ("p99_s", 0.99), ("most_s", 0.99999))


async def follow(session: aiohttp.ClientSession, url: str, polled: Polled, ends_s: float) -> None:
    """One client, from a random moment within the interval until the end."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    due_s = began_s + random.random() * FIRST_WAIT_S
    etag = ""
    while due_s < ends_s:
        await asyncio.sleep(max(0.0, due_s - loop.time()))
        status, wait_s = 0, FIRST_WAIT_S
        try:
            headers = {"If-None-Match": etag} if etag else {}
            async with session.get(url, headers=headers) as answer:
                await answer.read()
                status, etag = answer.status, answer.headers.get("ETag", etag)
                wait_s = float(answer.headers["Retry-After"])
        except (aiohttp.ClientError, TimeoutError, KeyError, OSError):
            status = 0
        if due_s - began_s >= WARM_UP_S:
            polled.times_s.append(loop.time() - due_s)
            polled.unchanged += status == 304
            polled.errors += status not in (200, 304)
            polled.waits_s.add(int(wait_s))
        due_s = loop.time() + wait_s


async def follow_all(url: str, clients: int, seconds: float) -> Polled:
    """All clients for the warm-up and so many seconds more."""
    polled = Polled()
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        ends_s = asyncio.get_running_loop().time() + WARM_UP_S + seconds
        await asyncio.gather(*(follow(session, url, polled, ends_s) for _ in range(clients)))
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
