"""Heartbeats: how the doors stand is told while they hold calls, and a broken door is noticed."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from app.db import workers
from app.domain.gates import Gate, merged
from app.llm.client import Call, Door
from app.llm.limits import LocalLimits
from app.llm.teacher import Teacher
from app.runtime import Runtime
from app.use_cases import watching
from app.use_cases.heartbeat import Heartbeat
from tests.demo_teacher_process import start_demo_teacher
from tests.driving import add_teacher
from tests.llm.calls import PROMPT

WAIT_S = 30.0


def wait_until(holds: Callable[[], object]) -> None:
    """Wait until something holds."""
    deadline_s = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


@pytest.fixture
def quick(runtime: Runtime) -> Runtime:
    """A runtime whose workers beat four times a second."""
    return replace(runtime, settings=runtime.settings.model_copy(update={"heartbeat_s": 0.25}))


def test_a_gate_is_told_while_there_are_calls(quick: Runtime) -> None:
    with start_demo_teacher(faults="429_seconds=1.0", retry_after_s=60.0, hang_s=60.0) as demo:
        record = add_teacher(quick, demo.base_url, max_concurrency=4)
        teacher = Teacher(str(record.id), demo.base_url, "demo", max_concurrency=4)
        door, stopping = Door(LocalLimits()), threading.Event()
        heart = Heartbeat(
            quick, stopping, kind="generate", host="test", process=1, door=lambda: door
        )
        assert watching.gate(quick, record.id) is None
        for at in range(12):
            door.start(Call(f"slot-{at}", 1, teacher, PROMPT), lambda _: None)
        wait_until(lambda: (gate := watching.gate(quick, record.id)) and not gate.is_open)
        gate = watching.gate(quick, record.id)
        assert gate is not None
        assert 0 < gate.closed_s <= 70
        assert gate.waiting >= 1
        assert 1 <= gate.concurrency <= 4
        door.close(drain_s=0.0)
        wait_until(lambda: watching.gate(quick, record.id) is None)
        stopping.set()
        heart.leave()


def test_a_worker_whose_door_broke_beats_no_more(quick: Runtime) -> None:
    door, broken, stopping = Door(LocalLimits()), threading.Event(), threading.Event()
    Heartbeat(
        quick,
        stopping,
        kind="generate",
        host="test",
        process=1,
        door=lambda: door,
        broken=broken.set,
    )
    assert not broken.wait(1.0)
    with quick.database.transaction() as connection:
        assert workers.alive(connection, lease_s=5.0) == {"generate": 1}
    door._loop.call_soon_threadsafe(door._loop.stop)
    assert broken.wait(WAIT_S)
    assert door.is_broken
    assert door.gates() == ()
    time.sleep(0.6)  # more than two beats
    with quick.database.transaction() as connection:
        assert workers.alive(connection, lease_s=0.5) == {}


def test_a_door_that_was_closed_is_not_broken() -> None:
    door = Door(LocalLimits())
    assert not door.is_broken
    door.close()
    assert not door.is_broken


def test_gates_of_one_teacher_add_up() -> None:
    one = Gate("a", 1, 2, 3, 0.0, None)
    shut = Gate("a", 10, 20, 30, 7.0, 60.0)
    other = Gate("b", 5, 5, 5, 0.0, None)
    fleet = merged([one, shut, other])
    assert fleet["a"] == Gate("a", 11, 22, 33, 7.0, 60.0)
    assert fleet["b"] == other
    assert (fleet["a"].is_open, fleet["a"].after(10).is_open) == (False, True)
