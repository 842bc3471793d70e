"""Tests of the rate that is learnt from refusals."""

import asyncio
import time

import pytest
from aiohttp import web

from app.llm.client import Outcome
from app.llm.pace import Pace
from tests.llm.calls import ask, opened, teacher_at
from tests.llm.scripted_teacher import completion, scripted_teacher


def burst(pace: Pace, *, sent: int, refused: int, at_s: float, open_at_s: float) -> None:
    for _ in range(sent):
        pace.sent(at_s)
    for _ in range(refused):
        pace.refused(sent_at_s=at_s, now_s=at_s + 0.1, open_at_s=open_at_s)


def test_without_a_refusal_there_is_no_rate():
    pace = Pace()
    burst(pace, sent=100, refused=0, at_s=10.0, open_at_s=0.0)

    assert pace.per_minute(11.0) is None


def test_the_first_burst_tells_the_rate():
    """Twenty of a hundred were taken, and the next may be sent a second after the first."""
    pace = Pace()
    burst(pace, sent=100, refused=80, at_s=10.0, open_at_s=11.0)

    assert pace.per_minute(10.1) == pytest.approx(1200.0)


def test_refusals_of_one_burst_cut_once():
    pace = Pace()
    burst(pace, sent=100, refused=80, at_s=10.0, open_at_s=11.0)
    before = pace.per_minute(12.1)
    burst(pace, sent=9, refused=5, at_s=12.0, open_at_s=13.0)

    assert before is not None
    assert pace.per_minute(12.1) == pytest.approx(before * 0.95)


def test_it_probes_ever_faster_and_is_forgotten_in_the_end():
    pace = Pace()
    burst(pace, sent=100, refused=80, at_s=10.0, open_at_s=11.0)
    rates = [pace.per_minute(10.1 + after_s) for after_s in (0.0, 10.0, 60.0, 300.0)]

    assert rates[:3] == pytest.approx([1200.0, 1283.0, 2951.0], rel=0.01)
    assert rates[3] is None
    assert not pace.is_known


def test_who_is_held_back_by_others_starts_slowly():
    pace = Pace()
    pace.held_back(now_s=10.0, open_at_s=11.0)

    assert pace.per_minute(10.0) == pytest.approx(30.0)
    assert pace.per_minute(20.0) == pytest.approx(58.4, rel=0.01)


@pytest.mark.slow
def test_a_limit_that_nobody_told_is_found_with_one_burst_of_refusals():
    """The teacher holds a bucket of 20 calls, refilled at 20 a second; 200 calls, 60 at once."""
    bucket = {"level": 20.0, "at": time.monotonic()}

    async def handler(_: web.Request) -> web.Response:
        now = time.monotonic()
        bucket["level"] = min(20.0, bucket["level"] + (now - bucket["at"]) * 20.0)
        bucket["at"] = now
        if bucket["level"] < 1.0:
            return web.Response(status=429, headers={"Retry-After": "1"})
        bucket["level"] -= 1.0
        await asyncio.sleep(0.2)
        return web.Response(body=completion())

    with scripted_teacher(handler) as server, opened() as door:
        teacher = teacher_at(server.base_url, max_concurrency=60)
        started = time.monotonic()
        replies = ask(door, teacher, count=200)
        elapsed_s = time.monotonic() - started

    answered = sum(reply.outcome is Outcome.ANSWERED for reply in replies)
    assert 200 - answered <= 45
    # How much of the rate is used is for the benchmark; here it must only not come to a standstill.
    assert elapsed_s < 60


def test_a_teacher_that_refused_everything_once_is_soon_asked_at_full_speed():
    pace = Pace()
    burst(pace, sent=100, refused=100, at_s=10.0, open_at_s=11.0)

    assert pace.per_minute(11.0) is not None
    assert pace.per_minute(45.0) is None
