"""Calls for the tests of the teacher door, and a place to collect their replies."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from pydantic import SecretStr

from app.domain.method import Decoding, Prompt
from app.llm.client import Call, Door, Reply, Teacher
from app.llm.limits import Limits, LocalLimits

KEY = "canary-0123456789-abcdefghij"
PROMPT = Prompt(
    step="propose", text="Name three rivers.", decoding=Decoding(max_tokens=64), version="test@1"
)


def teacher_at(base_url: str, **changes: Any) -> Teacher:
    """A teacher with a key, at an address."""
    teacher = Teacher(id="t1", base_url=base_url, model="m", api_key=SecretStr(KEY))
    return replace(teacher, **changes)


@contextmanager
def opened(limits: Limits | None = None) -> Iterator[Door]:
    """A door that is closed in the end."""
    door = Door(limits or LocalLimits())
    try:
        yield door
    finally:
        door.close(drain_s=0.0)


class Replies:
    """Collects the replies of calls that were started together."""

    def __init__(self) -> None:
        self.all: list[Reply] = []
        self._came = threading.Condition()

    def take(self, reply: Reply) -> None:
        """The callback to give to the door."""
        with self._came:
            self.all.append(reply)
            self._came.notify_all()

    def wait_for(self, count: int, timeout_s: float = 30.0) -> list[Reply]:
        """The replies once there are so many."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.all) >= count, timeout_s)
            return list(self.all)


def ask(door: Door, teacher: Teacher, count: int = 1, prompt: Prompt = PROMPT) -> list[Reply]:
    """Make so many calls at once and wait for their replies."""
    replies = Replies()
    for number in range(count):
        door.start(Call(f"slot-{number}", 1, teacher, prompt), replies.take)
    return replies.wait_for(count)


def ask_once(teacher: Teacher, prompt: Prompt = PROMPT) -> Reply:
    """Make one call through a door of its own."""
    with opened() as door:
        return ask(door, teacher, prompt=prompt)[0]
