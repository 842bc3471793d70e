"""All calls to one teacher: how many go at once, when they go, and what each end means."""

import asyncio
import logging
import math
import random
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import assert_never

import structlog

from app import traces
from app.domain.gates import Gate
from app.llm.addresses import AddressRefused
from app.llm.concurrency import Window
from app.llm.limits import Limits, LocalLimits
from app.llm.pace import Pace
from app.llm.pricing import likely_tokens
from app.llm.redaction import Redactor
from app.llm.replies import read_reply
from app.llm.teacher import Call, Fault, Outcome, Reply, Teacher
from app.llm.transport import Line, UnusableAddress

BACKOFF_BASE_S = 1.0
BACKOFF_CAP_S = 60.0
GATE_JITTER = 0.1

# A call that stood before a closed gate for longer was held back by the refusals of others. How
# long it waited for an answer from Redis says nothing.
GATE_SHUT_S = 0.25

_log = structlog.get_logger(__name__)
_debug_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Entry:
    """One call inside the door; `give_back` is called once."""

    call: Call
    give_back: Callable[[Reply], None]
    sent_at_s: float | None = None
    tokens: int = 0
    parent: object = None


@dataclass(slots=True, eq=False)
class _Runner:
    """A task that makes one call after the other, and the call that it is at."""

    entry: Entry | None = None
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class Lane:
    """One teacher at one address with one key. Lives in the door's event loop."""

    def __init__(self, teacher: Teacher, limits: Limits, open_line: Callable[[], Line]) -> None:
        self.used_at_s = time.monotonic()
        self._limits = limits
        self._open_line = open_line
        self._line: Line | None = None
        self._window = Window(teacher.max_concurrency)
        self._requests_per_minute = teacher.requests_per_minute
        self._runners: set[_Runner] = set()
        self._waiting: deque[Entry] = deque()
        self._backoffs = 0
        self._pace = Pace()
        self._pacer = LocalLimits()
        self._latency_s = 1.0

    @property
    def concurrency(self) -> int:
        """Calls of which the teacher can make use now, those of the next second included."""
        rates = (self._pace.per_minute(time.monotonic()), self._requests_per_minute)
        known = [rate for rate in rates if rate]
        if not known:
            return self._window.size
        wanted = math.ceil(min(known) / 60.0 * (self._latency_s + 1.0))
        return min(self._window.size, wanted)

    @property
    def latency_s(self) -> float:
        """How long an answer takes, over the last few."""
        return self._latency_s

    def gate(self, teacher_id: str) -> Gate:
        """How things stand here now."""
        now_s = time.monotonic()
        inside = [runner.entry for runner in self._runners if runner.entry is not None]
        sent = sum(entry.sent_at_s is not None for entry in inside)
        return Gate(
            teacher_id=teacher_id,
            sent=sent,
            waiting=len(inside) - sent + len(self._waiting),
            concurrency=self.concurrency,
            closed_s=max(0.0, self._limits.closed_until(teacher_id) - now_s),
            per_minute=self._pace.per_minute(now_s),
        )

    @property
    def is_idle(self) -> bool:
        """Whether no call is here."""
        return not self._runners and not self._waiting

    def add(self, entries: Collection[Entry]) -> None:
        """Take calls in, in order; those past the concurrency wait."""
        self.used_at_s = time.monotonic()
        for entry in entries:
            self._window.bound(entry.call.teacher.max_concurrency)
            self._requests_per_minute = entry.call.teacher.requests_per_minute
        self._waiting.extend(entries)
        self._pump()

    def withdraw(self, wanted: Callable[[Entry], bool], *, sent_too: bool) -> None:
        """Give calls back that wait, and with `sent_too` cut off those under way."""
        leaving = [entry for entry in self._waiting if wanted(entry)]
        self._waiting = deque(entry for entry in self._waiting if not wanted(entry))
        for entry in leaving:
            entry.give_back(_withdrawn(entry))
        for runner in self._runners:
            entry = runner.entry
            if entry and wanted(entry) and runner.task and (sent_too or entry.sent_at_s is None):
                runner.task.cancel()

    async def close(self) -> None:
        """Close the connections."""
        await self._pacer.aclose()
        if self._line is not None:
            await self._line.close()

    def _pump(self) -> None:
        for _ in range(min(len(self._waiting), self._window.size - len(self._runners))):
            runner = _Runner()
            self._runners.add(runner)
            runner.task = asyncio.get_running_loop().create_task(self._run(runner))
            runner.task.add_done_callback(lambda task, runner=runner: self._stopped(runner, task))

    async def _run(self, runner: _Runner) -> None:
        """Make calls until none waits or there are more runners than the teacher can take.

        The next request leaves as soon as the last reply is in. Were each call a task of its own, a
        burst of replies would be handled step by step for all of them before the first new request
        left, and the teacher would idle meanwhile.
        """
        while self._waiting and len(self._runners) <= self._window.size:
            runner.entry = entry = self._waiting.popleft()
            reply = await self._send(entry)
            runner.entry = None
            self._end(entry, reply)

    def _stopped(self, runner: _Runner, task: asyncio.Task[None]) -> None:
        self._runners.discard(runner)
        error = None if task.cancelled() else task.exception()
        if runner.entry is not None:
            self._end(runner.entry, _unfinished(runner.entry, error))
        elif error is not None:
            _log.error("call_not_given_back", exc_info=error)
        self._pump()

    async def _send(self, entry: Entry) -> Reply:
        call = entry.call
        entry.tokens = likely_tokens(call.prompt)
        if self._line is None:
            try:
                self._line = self._open_line()
            except AddressRefused as error:
                return Reply(call, Outcome.UNAUTHORIZED, error=str(error), fault=Fault.ADDRESS)
            except UnusableAddress as error:
                return Reply(call, Outcome.NOT_SENT, error=str(error), fault=Fault.CONNECT)
        await self._admit(entry)
        entry.sent_at_s = time.monotonic()
        self._pace.sent(entry.sent_at_s)
        return await self._line.ask(call)

    def _end(self, entry: Entry, reply: Reply) -> None:
        self._learn(entry, reply)
        entry.give_back(reply)

    def _learn(self, entry: Entry, reply: Reply) -> None:
        sent_at_s = entry.sent_at_s
        if sent_at_s is None:
            return
        self._settle(entry, reply)
        _tell(entry, reply, time.monotonic() - sent_at_s)
        match reply.outcome:
            case Outcome.ANSWERED:
                self._backoffs = 0
                self._window.succeeded()
                self._latency_s += (reply.elapsed_s - self._latency_s) / 16
            case Outcome.RATE_LIMITED:
                self._close_gate(reply)
                self._learn_pace(reply, sent_at_s)
                if self._pace.is_learning:  # afterwards the rate gives way, not the concurrency
                    self._window.overloaded(sent_at_s=sent_at_s, now_s=time.monotonic())
            case Outcome.UNKNOWN if reply.fault is Fault.TIME_OUT:
                self._window.overloaded(sent_at_s=sent_at_s, now_s=time.monotonic())
            case (
                Outcome.UNKNOWN
                | Outcome.QUOTA
                | Outcome.UNAUTHORIZED
                | Outcome.REFUSED
                | Outcome.SERVER_ERROR
                | Outcome.NOT_SENT
                | Outcome.UNREADABLE
                | Outcome.TOO_LARGE
                | Outcome.REDIRECTED
            ):
                pass
            case _:
                assert_never(reply.outcome)

    def _learn_pace(self, reply: Reply, sent_at_s: float) -> None:
        now_s = time.monotonic()
        open_at_s = max(now_s, self._limits.closed_until(reply.call.teacher.id))
        self._pace.refused(sent_at_s=sent_at_s, now_s=now_s, open_at_s=open_at_s)

    async def _admit(self, entry: Entry) -> None:
        """Wait for the gate and the budgets, then for this process's turn at the rate it learnt.

        In this order, since what waited at the gate would leave it in one burst. Whoever finds the
        gate closed again after its turn goes back to it.
        """
        teacher = entry.call.teacher
        while True:
            asked_at_s = time.monotonic()
            await self._limits.admit(teacher, entry.tokens)
            now_s = time.monotonic()
            has_budget = teacher.requests_per_minute or teacher.tokens_per_minute
            stood_s = min(now_s, self._limits.last_opened(teacher.id)) - asked_at_s
            if stood_s > GATE_SHUT_S and not has_budget:
                self._pace.held_back(now_s=asked_at_s, open_at_s=now_s)
            if not self._pace.is_known:
                return
            self._pacer.set_pace(teacher.id, self._pace.per_minute(now_s))
            await self._pacer.admit(Teacher(teacher.id, "", ""), 0)
            await self._limits.look(teacher)  # its turn may have been long in coming
            if not self._limits.closed_until(teacher.id):
                return

    def _close_gate(self, reply: Reply) -> None:
        """Close it for as long as was asked, never shorter; unasked, back off with full jitter."""
        teacher_id = reply.call.teacher.id
        closed_until_s = self._limits.closed_until(teacher_id)
        if reply.retry_after_s is not None:
            if time.monotonic() + reply.retry_after_s > closed_until_s:
                jitter = 1.0 + random.uniform(0.0, GATE_JITTER)
                self._limits.close_gate(teacher_id, reply.retry_after_s * jitter)
        elif not closed_until_s:
            longest_s = min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2.0**self._backoffs)
            self._backoffs = min(self._backoffs + 1, 16)
            self._limits.close_gate(teacher_id, random.uniform(0.0, longest_s))

    def _settle(self, entry: Entry, reply: Reply) -> None:
        teacher = entry.call.teacher
        if not teacher.tokens_per_minute:
            return
        if reply.outcome is Outcome.NOT_SENT:
            self._limits.settle(teacher, entry.tokens, 0)
        elif reply.outcome is Outcome.ANSWERED:
            read = read_reply(teacher.endpoint, reply.raw)
            if read.prompt_tokens is not None and read.completion_tokens is not None:
                used = read.prompt_tokens + read.completion_tokens
                self._limits.settle(teacher, entry.tokens, used)


def _tell(entry: Entry, reply: Reply, elapsed_s: float) -> None:
    """Trace and log a call that was sent, by ids."""
    call = reply.call
    ids = {
        "slot": call.key,
        "attempt": call.attempt,
        "teacher": call.teacher.id,
        "outcome": str(reply.outcome),
        "status": reply.status or 0,
    }
    traces.record("teacher_call", parent=entry.parent, elapsed_s=elapsed_s, **ids)
    _debug_log.debug("call_ended", extra={**ids, "elapsed_ms": round(elapsed_s * 1000)})


def _unfinished(entry: Entry, error: BaseException | None) -> Reply:
    """The reply to a call that was cut off, or that our own code failed at."""
    if error is None:
        return _withdrawn(entry)
    text = Redactor(entry.call.teacher.api_key).error(f"{type(error).__name__}: {error}")
    _log.error(
        "call_failed_inside",
        slot=entry.call.key,
        attempt=entry.call.attempt,
        teacher=entry.call.teacher.id,
        exc_info=error,
    )
    return replace(_withdrawn(entry), error=text, fault=Fault.UNEXPECTED)


def _withdrawn(entry: Entry) -> Reply:
    if entry.sent_at_s is None:
        text = "Withdrawn before it was sent."
        return Reply(entry.call, Outcome.NOT_SENT, error=text, fault=Fault.WITHDRAWN)
    elapsed_s = time.monotonic() - entry.sent_at_s
    text = "Cut off before the answer was whole."
    fault = Fault.WITHDRAWN
    return Reply(entry.call, Outcome.UNKNOWN, error=text, fault=fault, elapsed_s=elapsed_s)
