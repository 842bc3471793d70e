"""One computation serves everybody who asks within a second."""

import asyncio
import threading
import time
from collections import Counter
from uuid import UUID, uuid4

import pytest

from app.api.pollers import FEW_POLLERS, SHORT_POLL_S, Pollers
from app.api.status_board import MAX_JOBS, StatusBoard
from app.errors import NotFound


class Clock:
    """Seconds that pass when told to."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Computing:
    """Counts what is computed, and takes its time."""

    def __init__(self) -> None:
        self.counts: Counter[UUID] = Counter()
        self.lock = threading.Lock()
        self.failing = False

    def __call__(self, job_id: UUID) -> bytes:
        time.sleep(0.02)
        with self.lock:
            self.counts[job_id] += 1
        if self.failing:
            raise NotFound("gone")
        return b'{"n":%d}' % self.counts[job_id]


def test_a_thousand_pollers_cost_one_query_a_second() -> None:
    clock, computing, job_id = Clock(), Computing(), uuid4()
    board = StatusBoard(computing, clock)

    async def poll() -> set[str]:
        statuses = await asyncio.gather(*(board.read(job_id) for _ in range(1000)))
        return {status.etag for status in statuses}

    async def seconds() -> list[set[str]]:
        found: list[set[str]] = []
        for _ in range(3):
            found += [await poll(), await poll()]
            clock.now_s += 1.0
        return found

    etags = asyncio.run(seconds())
    assert computing.counts[job_id] == 3
    assert all(len(each) == 1 for each in etags)
    assert [etags[at] == etags[at + 1] for at in (0, 2, 4)] == [True, True, True]
    assert len(set.union(*etags)) == 3


def test_a_change_is_seen_at_once() -> None:
    computing, job_id = Computing(), uuid4()
    board = StatusBoard(computing, Clock())

    async def twice() -> tuple[bytes, bytes]:
        before = (await board.read(job_id)).body
        board.forget(job_id)
        return before, (await board.read(job_id)).body

    assert asyncio.run(twice()) == (b'{"n":1}', b'{"n":2}')


def test_a_failure_is_not_kept() -> None:
    computing, job_id = Computing(), uuid4()
    board = StatusBoard(computing, Clock())

    async def fail_then_work() -> bytes:
        computing.failing = True
        with pytest.raises(NotFound):
            await board.read(job_id)
        computing.failing = False
        return (await board.read(job_id)).body

    assert asyncio.run(fail_then_work()) == b'{"n":2}'


def test_who_leaves_does_not_take_it_from_others() -> None:
    computing, job_id = Computing(), uuid4()
    board = StatusBoard(computing, Clock())

    async def leave_early() -> bytes:
        first = asyncio.ensure_future(board.read(job_id))
        await asyncio.sleep(0)
        second = asyncio.ensure_future(board.read(job_id))
        await asyncio.sleep(0)
        first.cancel()
        return (await second).body

    assert asyncio.run(leave_early()) == b'{"n":1}'


def test_memory_is_bounded() -> None:
    board = StatusBoard(lambda _: b"{}", Clock())

    async def many() -> None:
        for _ in range(MAX_JOBS + 50):
            job_id = uuid4()
            await board.read(job_id)

    asyncio.run(many())
    assert len(board._statuses) == MAX_JOBS


def test_who_follows_one_thing_counts_for_all_others() -> None:
    pollers = Pollers(Clock())
    ones, others = (StatusBoard(lambda _: b"{}", Clock(), pollers=pollers) for _ in range(2))
    for _ in range(FEW_POLLERS):
        assert ones.poll_after_s() == SHORT_POLL_S
    assert others.poll_after_s() > SHORT_POLL_S


def test_the_interval_joins_the_body_and_leaves_the_etag() -> None:
    board = StatusBoard(lambda _: b'{"a":1}', Clock())
    status = asyncio.run(board.read(uuid4()))
    assert status.with_poll_after(15) == b'{"a":1,"poll_after_s":15}'


def test_what_has_not_changed_is_not_computed_again() -> None:
    clock, computing, job_id = Clock(), Computing(), uuid4()
    pulses = iter(["a", "a", "b", "b"])
    board = StatusBoard(computing, clock, pulse=lambda _: next(pulses))

    async def looks() -> list[bytes]:
        found: list[bytes] = []
        for _ in range(4):
            found.append((await board.read(job_id)).body)
            clock.now_s += 1.0
        return found

    assert asyncio.run(looks()) == [b'{"n":1}', b'{"n":1}', b'{"n":2}', b'{"n":2}']
    assert computing.counts[job_id] == 2
