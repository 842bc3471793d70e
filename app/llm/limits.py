"""Budgets of requests and tokens per minute, and the gate that a 429 closes, in one process."""

import time
from dataclasses import dataclass
from typing import Protocol

from app.llm.admission import AdmissionQueue, Grant
from app.llm.teacher import Teacher

# A provider's own bucket holds a second or more of its rate. Using half of one leaves it slack for
# calls that bunch up on the way, so a saturated budget meets no 429.
REQUESTS_BURST_S = 0.5
TOKENS_BURST_S = 5.0
TOKENS_START_S = 0.5


class Limits(Protocol):
    """What a door asks before it sends; its methods are called in the door's event loop."""

    async def admit(self, teacher: Teacher, tokens_estimate: int) -> None:
        """Wait until the gate is open and the budgets allow one call of that many tokens."""
        ...

    def close_gate(self, teacher_id: str, seconds: float) -> None:
        """Let nothing through for so long; never shortens a wait that already holds."""
        ...

    def closed_until(self, teacher_id: str) -> float:
        """When the gate opens, in this process's `time.monotonic()`; 0.0 when it is open."""
        ...

    async def look(self, teacher: Teacher) -> None:
        """Hear what the fleet knows of the gate, where what is known here may be old."""
        ...

    def last_opened(self, teacher_id: str) -> float:
        """When the gate opened last, or will open (`time.monotonic()`); 0.0: it never closed."""
        ...

    def settle(self, teacher: Teacher, tokens_estimate: int, tokens_actual: int) -> None:
        """Give back, or take, the difference once a call's tokens are known."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...


@dataclass(slots=True)
class Bucket:
    """Tokens that flow in at `rate_per_s` up to `capacity`; a large call may leave a debt."""

    rate_per_s: float
    capacity: float
    level: float
    updated_s: float

    def wait_s(self, cost: float, now_s: float) -> float:
        """How long until `cost` may be taken; 0.0 is now. More than the whole waits for full."""
        self.level = min(self.capacity, self.level + (now_s - self.updated_s) * self.rate_per_s)
        self.updated_s = now_s
        return max(0.0, (min(cost, self.capacity) - self.level) / self.rate_per_s)

    def change(self, amount: float) -> None:
        """Put in, or take out."""
        self.level = min(self.capacity, self.level + amount)

    def adopt(self, other: "Bucket") -> "Bucket":
        """This bucket with the rate and capacity of another."""
        level = min(self.level, other.capacity)
        return Bucket(other.rate_per_s, other.capacity, level, self.updated_s)


def requests_bucket(per_minute: float, now_s: float) -> Bucket:
    """A budget of calls. It starts with one, so that forgetting it cannot make a burst."""
    rate_per_s = per_minute / 60.0
    return Bucket(rate_per_s, max(1.0, rate_per_s * REQUESTS_BURST_S), 1.0, now_s)


def tokens_bucket(per_minute: float, now_s: float) -> Bucket:
    """A budget of tokens."""
    rate_per_s = per_minute / 60.0
    return Bucket(rate_per_s, rate_per_s * TOKENS_BURST_S, rate_per_s * TOKENS_START_S, now_s)


@dataclass(slots=True)
class _Budgets:
    per_minute: tuple[float | None, float | None] = (None, None)
    requests: Bucket | None = None
    tokens: Bucket | None = None


class LocalLimits:
    """Limits that one process keeps for itself.

    `share` is the part of a teacher's budgets that this process may use, in (0, 1].
    """

    def __init__(self) -> None:
        self.share = 1.0
        self._gates: dict[str, float] = {}
        self._budgets: dict[str, _Budgets] = {}
        self._paces: dict[str, float] = {}
        self._queue = AdmissionQueue(self._reserve)

    async def admit(self, teacher: Teacher, tokens_estimate: int) -> None:
        """Wait until the gate is open and the budgets allow the call."""
        if self._queue.is_idle(teacher.id) and self.take(teacher, [tokens_estimate]).count:
            return
        await self._queue.wait(teacher, tokens_estimate)

    def close_gate(self, teacher_id: str, seconds: float) -> None:
        """Let nothing through for so long."""
        until = time.monotonic() + seconds
        self._gates[teacher_id] = max(until, self._gates.get(teacher_id, 0.0))

    def closed_until(self, teacher_id: str) -> float:
        """When the gate opens, in `time.monotonic()`; 0.0 when it is open."""
        until = self.last_opened(teacher_id)
        return until if until > time.monotonic() else 0.0

    def last_opened(self, teacher_id: str) -> float:
        """When the gate opened last, or will open; 0.0 if it never closed."""
        return self._gates.get(teacher_id, 0.0)

    async def look(self, teacher: Teacher) -> None:
        """Nothing: all that there is to know is known here."""

    def settle(self, teacher: Teacher, tokens_estimate: int, tokens_actual: int) -> None:
        """Give back what the estimate was too high by."""
        tokens = self._budgets_of(teacher).tokens
        if tokens is not None:
            tokens.change(tokens_estimate - tokens_actual)

    def set_pace(self, teacher_id: str, requests_per_minute: float | None) -> None:
        """Keep to a rate beside the budgets, or with None to the budgets alone."""
        if requests_per_minute is None:
            self._paces.pop(teacher_id, None)
        else:
            self._paces[teacher_id] = requests_per_minute

    async def aclose(self) -> None:
        """Stop handing out places."""
        await self._queue.aclose()

    def take(self, teacher: Teacher, costs: list[int]) -> Grant:
        """Grant as many of these calls, in order, as may go now."""
        now_s = time.monotonic()
        closed_s = self.closed_until(teacher.id) - now_s
        if closed_s > 0:
            return Grant(0, closed_s)
        budgets = self._budgets_of(teacher)
        for position, cost in enumerate(costs):
            wait_s = _take_one(budgets, cost, now_s)
            if wait_s > 0:
                return Grant(position, wait_s)
        return Grant(len(costs), 0.0)

    async def _reserve(self, teacher: Teacher, costs: list[int]) -> Grant:
        return self.take(teacher, costs)

    def _budgets_of(self, teacher: Teacher) -> _Budgets:
        budget = _scaled(teacher.requests_per_minute, self.share)
        requests = _slower_of(budget, self._paces.get(teacher.id))
        per_minute = (requests, _scaled(teacher.tokens_per_minute, self.share))
        budgets = self._budgets.get(teacher.id)
        if budgets is None or budgets.per_minute != per_minute:
            budgets = _changed(budgets or _Budgets(), per_minute)
            self._budgets[teacher.id] = budgets
        return budgets


def _slower_of(*per_minute: float | None) -> float | None:
    """The lowest of the rates that are given."""
    return min((rate for rate in per_minute if rate), default=None)


def _changed(old: _Budgets, per_minute: tuple[float | None, float | None]) -> _Budgets:
    """Budgets of other rates that hold what the old ones held."""
    now_s = time.monotonic()
    requests = requests_bucket(per_minute[0], now_s) if per_minute[0] else None
    tokens = tokens_bucket(per_minute[1], now_s) if per_minute[1] else None
    return _Budgets(
        per_minute,
        old.requests.adopt(requests) if requests and old.requests else requests,
        old.tokens.adopt(tokens) if tokens and old.tokens else tokens,
    )


def _take_one(budgets: _Budgets, cost: int, now_s: float) -> float:
    """Take one call of `cost` tokens and return 0.0, or take nothing and return the wait."""
    wait_s = budgets.requests.wait_s(1.0, now_s) if budgets.requests else 0.0
    if budgets.tokens:
        wait_s = max(wait_s, budgets.tokens.wait_s(cost, now_s))
    if wait_s > 0:
        return wait_s
    if budgets.requests:
        budgets.requests.change(-1.0)
    if budgets.tokens:
        budgets.tokens.change(-cost)
    return 0.0


def _scaled(per_minute: int | None, share: float) -> float | None:
    return per_minute * share if per_minute else None
