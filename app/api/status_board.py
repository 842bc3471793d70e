"""What many poll, such as a job: computed at most once a second for each process and thing."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from time import monotonic
from typing import Generic, TypeVar

from anyio import to_thread

from app.api.pollers import Pollers

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
FRESH_S = 1.0
MAX_JOBS = 1000


@dataclass(frozen=True, slots=True)
class Status:
    """What is told, JSON (an object) or HTML, with the weak ETag of exactly that.

    `pulse` is what stood in the database before it was computed; None where it must always be.
    """

    body: bytes
    etag: str
    pulse: str | None = None

    def with_poll_after(self, poll_after_s: int) -> bytes:
        """The JSON with one more member; the ETag does not depend on it."""
        return self.body[:-1] + b',"poll_after_s":%d}' % poll_after_s


class StatusBoard(Generic[Key]):
    """Used on the event loop alone; `compute` runs in a thread and may raise.

    `pollers` counts those who ask; boards of one process share it. `pulse` asks with one query
    whether anything changed: what it names by the same text is not computed anew.

    `forget` may be called from any thread, by who has just changed what a key names.
    """

    def __init__(
        self,
        compute: Callable[[Key], bytes],
        monotonic_s: Callable[[], float] = monotonic,
        *,
        fresh_s: float = FRESH_S,
        pollers: Pollers | None = None,
        pulse: Callable[[Key], str | None] = lambda _: None,
    ) -> None:
        self._compute = compute
        self._monotonic_s = monotonic_s
        self._fresh_s = fresh_s
        self._statuses: OrderedDict[Key, tuple[float, asyncio.Future[Status]]] = OrderedDict()
        self._pulse = pulse
        self._pollers = pollers or Pollers(monotonic_s)

    async def read(self, key: Key) -> Status:
        """The status, at most `fresh_s` seconds old; raises what computing it raises."""
        now_s = self._monotonic_s()
        started_s, status = self._statuses.get(key, (now_s, None))
        if (
            status is None
            or (status.done() and now_s - started_s >= self._fresh_s)
            or _failed(status)
        ):
            known = None if status is None or _failed(status) else status.result()
            status = asyncio.ensure_future(self._computed(key, known))
            _keep(self._statuses, key, (now_s, status))
        # One client that leaves does not take the computation from the others.
        return await asyncio.shield(status)

    def poll_after_s(self) -> int:
        """Note that somebody asks, and say when to ask again."""
        return self._pollers.seen()

    def forget(self, key: Key) -> None:
        """Compute the status anew for whoever asks from now on."""
        self._statuses.pop(key, None)

    async def _computed(self, key: Key, known: Status | None) -> Status:
        return await to_thread.run_sync(self._looked, key, known)

    def _looked(self, key: Key, known: Status | None) -> Status:
        # The pulse first: what changes between the two is seen by the next look.
        pulse = self._pulse(key)
        if known is not None and pulse is not None and pulse == known.pulse:
            return known
        body = self._compute(key)
        digest = hashlib.blake2b(body, digest_size=12).hexdigest()
        return Status(body, f'W/"{digest}"', pulse)


def _failed(status: asyncio.Future[Status]) -> bool:
    return status.done() and (status.cancelled() or status.exception() is not None)


def _keep(kept: OrderedDict[Key, Value], key: Key, value: Value) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > MAX_JOBS:
        kept.popitem(last=False)
