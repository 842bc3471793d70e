"""The door under load: how many calls are under way, which wait, and how they end."""

import asyncio
import threading
import time

import pytest
from aiohttp import web

from app.llm.client import Call, Door, Fault, Outcome
from app.llm.limits import LocalLimits
from tests.llm.calls import PROMPT, Replies, ask, opened, teacher_at
from tests.llm.scripted_teacher import Handler, answers, completion, scripted_teacher


def slowly(seconds: float) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        await asyncio.sleep(seconds)
        return web.Response(body=completion())

    return handler


def test_calls_beyond_the_concurrency_wait_inside():
    with scripted_teacher(slowly(0.2)) as server, opened() as door:
        started = time.monotonic()
        replies = ask(door, teacher_at(server.base_url, max_concurrency=5), count=15)
        elapsed_s = time.monotonic() - started

    assert {reply.outcome for reply in replies} == {Outcome.ANSWERED}
    assert 0.6 <= elapsed_s < 1.5
    assert all(reply.elapsed_s < 0.5 for reply in replies)


def test_a_long_call_holds_nobody_up():
    async def handler(request: web.Request) -> web.Response:
        slow = request.headers["Idempotency-Key"] == "slot-0-1"
        await asyncio.sleep(1.0 if slow else 0.01)
        return web.Response(body=completion())

    with scripted_teacher(handler) as server, opened() as door:
        replies = ask(door, teacher_at(server.base_url, max_concurrency=2), count=30)

    assert replies[-1].call.key == "slot-0"


def test_concurrency_halves_on_a_429_and_the_gate_closes():
    async def handler(_: web.Request) -> web.Response:
        if len(server.arrivals) <= 8:
            return web.Response(status=429, headers={"Retry-After": "1"})
        return web.Response(body=completion())

    with scripted_teacher(handler) as server, opened() as door:
        teacher = teacher_at(server.base_url, max_concurrency=8)
        assert door.concurrency("t1") > 8
        replies = ask(door, teacher, count=8)
        assert {reply.outcome for reply in replies} == {Outcome.RATE_LIMITED}
        assert {reply.retry_after_s for reply in replies} == {1.0}
        assert door.concurrency("t1") <= 4

        refused_at = server.arrivals[-1][0]
        assert ask(door, teacher)[0].outcome is Outcome.ANSWERED
        assert 1.0 <= server.arrivals[-1][0] - refused_at < 1.5


def test_without_retry_after_the_door_backs_off_by_itself():
    with scripted_teacher(answers(b"", 429)) as server, opened() as door:
        replies = ask(door, teacher_at(server.base_url), count=20)

    assert {reply.retry_after_s for reply in replies} == {None}


def test_time_outs_halve_the_concurrency_too():
    with scripted_teacher(slowly(5.0)) as server, opened() as door:
        ask(door, teacher_at(server.base_url, max_concurrency=8, timeout_s=0.2), count=8)
        assert door.concurrency("t1") == 4


def test_calls_that_wait_can_be_withdrawn():
    with scripted_teacher(slowly(0.5)) as server, opened() as door:
        replies = Replies()
        teacher = teacher_at(server.base_url, max_concurrency=1)
        for number in range(3):
            door.start(Call(f"slot-{number}", 1, teacher, PROMPT), replies.take)
        time.sleep(0.2)
        door.withdraw(["slot-0", "slot-2"])

        withdrawn = replies.wait_for(1)[0]
        assert (withdrawn.call.key, withdrawn.outcome) == ("slot-2", Outcome.NOT_SENT)
        assert withdrawn.fault is Fault.WITHDRAWN
        others = replies.wait_for(3)[1:]
    assert {reply.outcome for reply in others} == {Outcome.ANSWERED}
    assert len(server.arrivals) == 2


def test_calls_under_way_can_be_cut_off():
    with scripted_teacher(slowly(20.0)) as server, opened() as door:
        replies = Replies()
        door.start(Call("slot-0", 1, teacher_at(server.base_url), PROMPT), replies.take)
        time.sleep(0.2)
        door.withdraw(["slot-0"], sent_too=True)

        (reply,) = replies.wait_for(1, timeout_s=2.0)
    assert (reply.outcome, reply.fault) == (Outcome.UNKNOWN, Fault.WITHDRAWN)


def test_closing_waits_for_calls_under_way_and_gives_the_rest_back():
    with scripted_teacher(slowly(0.5)) as server:
        door = Door(LocalLimits())
        replies = Replies()
        teacher = teacher_at(server.base_url, max_concurrency=2)
        for number in range(6):
            door.start(Call(f"slot-{number}", 1, teacher, PROMPT), replies.take)
        time.sleep(0.2)
        assert door.in_flight() == 6
        door.close(drain_s=5.0)

    outcomes = sorted(reply.outcome for reply in replies.all)
    assert outcomes == ["answered"] * 2 + ["not_sent"] * 4
    assert door.in_flight() == 0


def test_closing_cuts_off_what_takes_too_long():
    with scripted_teacher(slowly(20.0)) as server:
        door = Door(LocalLimits())
        replies = Replies()
        door.start(Call("slot-0", 1, teacher_at(server.base_url), PROMPT), replies.take)
        started = time.monotonic()
        door.close(drain_s=0.3)

    assert time.monotonic() - started < 3.0
    assert [reply.outcome for reply in replies.all] == [Outcome.UNKNOWN]
    with pytest.raises(RuntimeError):
        door.start(Call("slot-1", 1, teacher_at(server.base_url), PROMPT), replies.take)
    door.close()


def test_calls_from_many_threads_each_come_back_once():
    with scripted_teacher(slowly(0.01)) as server, opened() as door:
        replies = Replies()
        teachers = [teacher_at(server.base_url, id=f"t{n}", max_concurrency=20) for n in range(3)]

        def start_some(thread: int) -> None:
            for number in range(50):
                call = Call(f"{thread}-{number}", 1, teachers[number % 3], PROMPT)
                door.start(call, replies.take)

        threads = [threading.Thread(target=start_some, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        replies.wait_for(400)
        time.sleep(0.1)

    assert len({reply.call.key for reply in replies.all}) == len(replies.all) == 400
    assert {reply.outcome for reply in replies.all} == {Outcome.ANSWERED}
