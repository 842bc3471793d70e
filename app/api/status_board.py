"""The status of jobs for all who poll: computed at most once a second per job and process."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from time import monotonic
from typing import TypeVar
from uuid import UUID

from anyio import to_thread

from app.api.pollers import Pollers

Value = TypeVar("Value")
FRESH_S = 1.0
MAX_JOBS = 1000


@dataclass(frozen=True, slots=True)
class Status:
    """A job's status as JSON (an object), with the weak ETag of exactly that."""

    body: bytes
    etag: str

    def with_poll_after(self, poll_after_s: int) -> bytes:
        """The body with one more member; the ETag does not depend on it."""
        return self.body[:-1] + b',"poll_after_s":%d}' % poll_after_s


class StatusBoard:
    """Used on the event loop alone; `compute` runs in a thread and may raise.

    `forget` may be called from any thread, by who has just changed a job.
    """

    def __init__(
        self, compute: Callable[[UUID], bytes], monotonic_s: Callable[[], float] = monotonic
    ) -> None:
        self._compute = compute
        self._monotonic_s = monotonic_s
        self._statuses: OrderedDict[UUID, tuple[float, asyncio.Future[Status]]] = OrderedDict()
        self._pollers: OrderedDict[UUID, Pollers] = OrderedDict()

    async def read(self, job_id: UUID) -> Status:
        """The status, at most a second old; raises what computing it raises."""
        now_s = self._monotonic_s()
        started_s, status = self._statuses.get(job_id, (now_s, None))
        if status is None or now_s - started_s >= FRESH_S or _failed(status):
            status = asyncio.ensure_future(self._computed(job_id))
            _keep(self._statuses, job_id, (now_s, status))
        # One client that leaves does not take the computation from the others.
        return await asyncio.shield(status)

    def poll_after_s(self, job_id: UUID, poller: Hashable) -> int:
        """Note who asks, and say when to ask again."""
        pollers = self._pollers.get(job_id) or Pollers(self._monotonic_s)
        _keep(self._pollers, job_id, pollers)
        return pollers.seen(poller)

    def forget(self, job_id: UUID) -> None:
        """Compute the status anew for whoever asks from now on."""
        self._statuses.pop(job_id, None)

    async def _computed(self, job_id: UUID) -> Status:
        body = await to_thread.run_sync(self._compute, job_id)
        digest = hashlib.blake2b(body, digest_size=12).hexdigest()
        return Status(body, f'W/"{digest}"')


def _failed(status: asyncio.Future[Status]) -> bool:
    return status.done() and (status.cancelled() or status.exception() is not None)


def _keep(kept: OrderedDict[UUID, Value], job_id: UUID, value: Value) -> None:
    kept[job_id] = value
    kept.move_to_end(job_id)
    while len(kept) > MAX_JOBS:
        kept.popitem(last=False)
