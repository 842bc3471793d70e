"""Tests of budgets and gates: in one process, over a fleet, and when Redis goes away or forgets."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable

import pytest
import redis

from app.llm.limits import Limits, LocalLimits
from app.llm.shared_limits import SharedLimits
from app.llm.teacher import Teacher
from tests.llm.calls import teacher_at

PACED = teacher_at("http://t/v1", requests_per_minute=1200)
TOKENS = teacher_at("http://t/v1", tokens_per_minute=60_000)
FREE = teacher_at("http://t/v1")


async def admitted(limits: Limits, teacher: Teacher, count: int, tokens: int = 10) -> float:
    """The seconds that so many calls take to be let through."""
    started = time.monotonic()
    await asyncio.gather(*(limits.admit(teacher, tokens) for _ in range(count)))
    return time.monotonic() - started


def run(talk: Callable[..., Awaitable[None]], *limits: Limits) -> None:
    """Run a test's coroutine over limits that are closed in the end."""

    async def whole() -> None:
        try:
            await talk(*limits)
        finally:
            for each in limits:
                await each.aclose()

    asyncio.run(whole())


@pytest.fixture(params=["local", "shared"])
def limits(request: pytest.FixtureRequest) -> Limits:
    if request.param == "local":
        return LocalLimits()
    return SharedLimits(request.getfixturevalue("redis_url"))


def test_without_budgets_nothing_waits(limits: Limits):
    async def talk(limits: Limits) -> None:
        assert await admitted(limits, FREE, 500) < 0.3

    run(talk, limits)


def test_requests_keep_to_their_rate(limits: Limits):
    async def talk(limits: Limits) -> None:
        assert 0.9 <= await admitted(limits, PACED, 21) < 1.3

    run(talk, limits)


def test_tokens_keep_to_their_rate(limits: Limits):
    """A thousand a second, of which half a second's worth is there at the start."""

    async def talk(limits: Limits) -> None:
        assert 0.9 <= await admitted(limits, TOKENS, 15, tokens=100) < 1.4

    run(talk, limits)


def test_a_call_larger_than_the_whole_budget_goes_when_it_is_full(limits: Limits):
    async def talk(limits: Limits) -> None:
        teacher = teacher_at("http://t/v1", tokens_per_minute=600)
        assert 3.0 < await admitted(limits, teacher, 1, tokens=10_000) < 6.0

    run(talk, limits)


def test_settling_gives_tokens_back(limits: Limits):
    async def talk(limits: Limits) -> None:
        await limits.admit(TOKENS, 1000)
        limits.settle(TOKENS, 1000, 0)
        assert await admitted(limits, TOKENS, 1, tokens=1000) < 0.8

    run(talk, limits)


def test_a_closed_gate_lets_nothing_through(limits: Limits):
    async def talk(limits: Limits) -> None:
        await limits.admit(FREE, 10)
        limits.close_gate(FREE.id, 0.5)
        limits.close_gate(FREE.id, 0.1)
        assert 0.4 < limits.closed_until(FREE.id) - time.monotonic() <= 0.5
        assert 0.5 <= await admitted(limits, FREE, 50) < 0.9
        assert limits.closed_until(FREE.id) == 0.0
        other = teacher_at("http://t/v1", id="t2")
        limits.close_gate(FREE.id, 5.0)
        assert await admitted(limits, other, 1) < 0.3

    run(talk, limits)


def test_a_cancelled_call_gives_its_place_to_the_next(limits: Limits):
    async def talk(limits: Limits) -> None:
        limits.close_gate(FREE.id, 0.3)
        calls = [asyncio.create_task(limits.admit(FREE, 1)) for _ in range(3)]
        await asyncio.sleep(0.05)
        calls[0].cancel()
        await asyncio.wait(calls)
        assert [call.cancelled() for call in calls] == [True, False, False]

    run(talk, limits)


def test_a_fleet_shares_one_rate(redis_url: str):
    async def talk(*fleet: Limits) -> None:
        started = time.monotonic()
        await asyncio.gather(*(admitted(each, PACED, 10) for each in fleet))
        assert 1.8 <= time.monotonic() - started < 2.4

    run(talk, *(SharedLimits(redis_url) for _ in range(4)))


@pytest.mark.parametrize("teacher", [FREE, PACED], ids=["no budget", "paced"])
def test_a_gate_closes_for_the_fleet(redis_url: str, teacher: Teacher):
    async def talk(first: Limits, second: Limits) -> None:
        await asyncio.gather(first.admit(teacher, 1), second.admit(teacher, 1))
        first.close_gate(teacher.id, 1.0)
        await asyncio.sleep(0.3)
        await second.admit(teacher, 1)  # asks in the background where there is no budget
        await asyncio.sleep(0.1)
        started = time.monotonic()
        await second.admit(teacher, 1)
        first_is_open = first.closed_until(teacher.id) == 0.0
        assert first_is_open or time.monotonic() - started > 0.4

    run(talk, SharedLimits(redis_url), SharedLimits(redis_url))


def test_a_forgetful_redis_makes_no_burst_and_keeps_the_gate(redis_url: str):
    async def talk(first: Limits, second: Limits) -> None:
        with redis.Redis.from_url(redis_url) as client:
            await admitted(first, PACED, 10)
            client.flushdb()
            assert 0.4 <= await admitted(second, PACED, 11) < 0.9
            first.close_gate(PACED.id, 1.0)
            await asyncio.sleep(0.1)
            client.flushdb()
            first_call = asyncio.create_task(first.admit(PACED, 1))
            await asyncio.sleep(0.1)
            started = time.monotonic()
            await second.admit(PACED, 1)
            await first_call
            assert time.monotonic() - started > 0.5

    run(talk, SharedLimits(redis_url), SharedLimits(redis_url))


def test_without_redis_a_process_limits_itself_at_once():
    async def talk(limits: SharedLimits) -> None:
        assert await admitted(limits, FREE, 100) < 0.5
        assert limits.is_alone
        assert 0.4 <= await admitted(limits, PACED, 11) < 0.9
        limits.close_gate(FREE.id, 0.3)
        assert 0.3 <= await admitted(limits, FREE, 1) < 0.6

    run(talk, SharedLimits("redis://127.0.0.1:9/0"))


def test_a_redis_that_hangs_blocks_nobody_for_long():
    async def talk(limits: SharedLimits) -> None:
        assert await admitted(limits, FREE, 100) < 0.3
        assert limits.is_alone

    with socket.create_server(("127.0.0.1", 0)) as silent:
        run(talk, SharedLimits(f"redis://127.0.0.1:{silent.getsockname()[1]}/0"))


def test_redis_is_used_again_when_it_is_back(redis_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("app.llm.shared_limits.ALONE_FOR_S", 0.2)

    async def talk(limits: SharedLimits) -> None:
        await limits.admit(PACED, 1)
        with redis.Redis.from_url(redis_url) as client:
            client.client_kill_filter(_type="normal", skipme=True)
        await admitted(limits, PACED, 3)
        await asyncio.sleep(0.3)
        await admitted(limits, PACED, 3)
        assert not limits.is_alone

    run(talk, SharedLimits(redis_url))


def test_alone_a_worker_uses_its_part_of_the_fleets_rate(redis_url: str):
    async def talk(first: SharedLimits, second: SharedLimits) -> None:
        await asyncio.gather(first.admit(PACED, 1), second.admit(PACED, 1))
        await first.admit(PACED, 1)
        monkey = pytest.MonkeyPatch()
        monkey.setattr(SharedLimits, "is_alone", property(lambda _: True))
        assert 0.9 <= await admitted(first, PACED, 11) < 1.3
        monkey.undo()

    run(talk, SharedLimits(redis_url), SharedLimits(redis_url))
