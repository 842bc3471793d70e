"""The one door to teachers: calls go in from any thread, each comes back exactly once."""

import asyncio
import logging
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress

import httpx2
import uvloop

from app import traces
from app.domain.gates import Gate, merged
from app.llm.guard import Guard
from app.llm.lane import Entry, Lane
from app.llm.limits import Limits
from app.llm.teacher import Call, Endpoint, Fault, Outcome, Reply, Teacher
from app.llm.transport import MOST_CONNECTIONS, Line

__all__ = ["Call", "Door", "Endpoint", "Fault", "Outcome", "Reply", "Teacher"]

MOST_LANES = 64

_CUT_OFF_GRACE_S = 5.0
_LOOK_AGAIN_S = 0.02
_GATES_WITHIN_S = 2.0


class Door:
    """One per worker process, made after the process has forked; thread-safe.

    Owns one event loop in one daemon thread. Without a guard it reaches public addresses and
    loopback. `done` callbacks run in that thread and must be short:
    hand the reply over and return.
    """

    def __init__(self, limits: Limits, guard: Guard | None = None) -> None:
        self._limits = limits
        self._guard = guard or Guard()
        self._lanes: dict[tuple[str, str, str], Lane] = {}
        self._newest: dict[str, Lane] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._lock = threading.Lock()
        self._inbox: deque[Entry] = deque()
        self._in_flight = 0
        self._closed = False
        self._tls: ssl.SSLContext | None = None
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="teacher-door", daemon=True)
        logging.getLogger("httpx2").setLevel(logging.WARNING)  # else a line for every call
        self._thread.start()

    def start(self, call: Call, done: Callable[[Reply], None]) -> None:
        """Take a call and return at once; `done` gets its reply exactly once, in the loop's thread.

        Raises RuntimeError when the door is closed.
        """

        def give_back(reply: Reply) -> None:
            with self._lock:
                self._in_flight -= 1
            done(reply)

        with self._lock:
            if self._closed:
                raise RuntimeError("the door to the teachers is closed")
            self._in_flight += 1
            self._inbox.append(Entry(call, give_back, parent=traces.current()))
            is_first = len(self._inbox) == 1
        if threading.current_thread() is self._thread:
            self._take_in()
        elif is_first:  # whoever put the first one there wakes the loop
            self._loop.call_soon_threadsafe(self._take_in)

    def in_flight(self) -> int:
        """Calls taken and not yet given back, those that wait inside included."""
        return self._in_flight

    def concurrency(self, teacher_id: str) -> int:
        """How many calls the teacher is given at once now; a large number before its first call."""
        lane = self._newest.get(teacher_id)
        return MOST_CONNECTIONS if lane is None else lane.concurrency

    def latency_s(self, teacher_id: str) -> float:
        """How long the teacher's answers take; a second before its first call."""
        lane = self._newest.get(teacher_id)
        return 1.0 if lane is None else lane.latency_s

    @property
    def is_broken(self) -> bool:
        """Whether its thread has ended without being asked to: no call will ever come back."""
        return not self._closed and not self._thread.is_alive()

    def gates(self) -> Sequence[Gate]:
        """How each teacher's door stands now; nothing where the loop is too busy to say."""
        if self._closed or self.is_broken:
            return ()
        with suppress(TimeoutError, CancelledError, RuntimeError):
            asked = asyncio.run_coroutine_threadsafe(self._gates(), self._loop)
            return asked.result(timeout=_GATES_WITHIN_S)
        return ()

    async def _gates(self) -> Sequence[Gate]:
        found = [lane.gate(teacher_id) for (teacher_id, *_), lane in self._lanes.items()]
        return [*merged(found).values()]

    def withdraw(self, keys: Collection[str], *, sent_too: bool = False) -> None:
        """Give these slots' calls back as NOT_SENT where they still wait.

        Those under way are left alone, or with `sent_too` cut off as UNKNOWN.
        """
        leaving = frozenset(keys)

        def wanted(entry: Entry) -> bool:
            return entry.call.key in leaving

        self._loop.call_soon_threadsafe(self._withdraw, wanted, sent_too)

    def close(self, *, drain_s: float = 25.0) -> None:
        """Give back what still waits, let calls under way end for `drain_s`, then cut them off.

        A call that is cut off is UNKNOWN. Not to be called from a `done` callback.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
        asyncio.run_coroutine_threadsafe(self._drain(drain_s), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()

    def _take_in(self) -> None:
        with self._lock:
            entries, self._inbox = self._inbox, deque()
        by_lane: dict[Lane, list[Entry]] = {}
        for entry in entries:
            by_lane.setdefault(self._lane(entry.call.teacher), []).append(entry)
        for lane, its_entries in by_lane.items():
            lane.add(its_entries)

    def _lane(self, teacher: Teacher) -> Lane:
        secret = teacher.api_key.get_secret_value() if teacher.api_key is not None else ""
        identity = (teacher.id, teacher.base_url, secret)
        lane = self._lanes.get(identity)
        if lane is None:
            self._drop_an_idle_lane()
            lane = Lane(teacher, self._limits, lambda: self._open_line(teacher))
            self._lanes[identity] = lane
        self._newest[teacher.id] = lane
        return lane

    def _open_line(self, teacher: Teacher) -> Line:
        if self._tls is None:
            self._tls = httpx2.create_ssl_context()
        return Line(teacher, self._tls, self._guard)

    def _drop_an_idle_lane(self) -> None:
        idle = [(lane.used_at_s, key) for key, lane in self._lanes.items() if lane.is_idle]
        if len(self._lanes) < MOST_LANES or not idle:
            return
        oldest = min(idle)[1]
        lane = self._lanes.pop(oldest)
        if self._newest.get(oldest[0]) is lane:
            del self._newest[oldest[0]]
        closing = self._loop.create_task(lane.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    def _withdraw(self, wanted: Callable[[Entry], bool], sent_too: bool) -> None:
        self._take_in()
        for lane in self._lanes.values():
            lane.withdraw(wanted, sent_too=sent_too)

    async def _drain(self, drain_s: float) -> None:
        self._withdraw(lambda _: True, False)
        await self._until_empty(drain_s)
        self._withdraw(lambda _: True, True)
        await self._until_empty(_CUT_OFF_GRACE_S)
        for lane in self._lanes.values():
            await lane.close()
        await self._limits.aclose()

    async def _until_empty(self, longest_s: float) -> None:
        deadline = time.monotonic() + longest_s
        while self._in_flight and time.monotonic() < deadline:
            await asyncio.sleep(_LOOK_AGAIN_S)
