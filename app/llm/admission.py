"""The line in front of a budget: calls leave it in order, many at a time, one asker per teacher."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from app.llm.teacher import Teacher

_ASKED_AT_ONCE = 128
_LONGEST_NAP_S = 1.0
_SHORTEST_NAP_S = 0.001


@dataclass(frozen=True, slots=True)
class Grant:
    """How many calls may go, and how long until the next may be asked for."""

    count: int
    wait_s: float


@dataclass(slots=True)
class _Waiting:
    teacher: Teacher
    calls: deque[tuple[int, asyncio.Future[None]]] = field(
        default_factory=deque[tuple[int, "asyncio.Future[None]"]]
    )
    asker: asyncio.Task[None] | None = None


class AdmissionQueue:
    """Holds calls back until `reserve(teacher, token costs)` grants them, first come first served.

    One task per teacher asks for all that wait, so a thousand waiting calls cost one question.
    """

    def __init__(self, reserve: Callable[[Teacher, list[int]], Awaitable[Grant]]) -> None:
        self._reserve = reserve
        self._waiting: dict[str, _Waiting] = {}

    def is_idle(self, teacher_id: str) -> bool:
        """Whether nobody waits for this teacher."""
        waiting = self._waiting.get(teacher_id)
        return waiting is None or not waiting.calls

    async def wait(self, teacher: Teacher, cost: int) -> None:
        """Return when the call may go."""
        waiting = self._waiting.setdefault(teacher.id, _Waiting(teacher))
        waiting.teacher = teacher
        place = asyncio.get_running_loop().create_future()
        waiting.calls.append((cost, place))
        if waiting.asker is None:
            waiting.asker = asyncio.create_task(self._ask(waiting))
        await place

    async def aclose(self) -> None:
        """Stop asking; whoever still waits is cancelled."""
        for waiting in self._waiting.values():
            for _, place in waiting.calls:
                place.cancel()
            if waiting.asker is not None:
                waiting.asker.cancel()
        self._waiting.clear()

    async def _ask(self, waiting: _Waiting) -> None:
        try:
            while _forget_cancelled(waiting.calls):
                costs = [cost for cost, _ in list(waiting.calls)[:_ASKED_AT_ONCE]]
                grant = await self._reserve(waiting.teacher, costs)
                _let_go(waiting.calls, grant.count)
                if grant.count < len(costs):
                    nap_s = min(max(grant.wait_s, _SHORTEST_NAP_S), _LONGEST_NAP_S)
                    await asyncio.sleep(nap_s)
        finally:
            waiting.asker = None


def _forget_cancelled(calls: deque[tuple[int, asyncio.Future[None]]]) -> bool:
    while calls and calls[0][1].done():
        calls.popleft()
    return bool(calls)


def _let_go(calls: deque[tuple[int, asyncio.Future[None]]], count: int) -> None:
    while count and calls:
        place = calls.popleft()[1]
        if not place.done():
            place.set_result(None)
            count -= 1
