"""Replies on their way from the door into Postgres: kept until it has taken them, come what may."""

import queue
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from uuid import UUID

import structlog

from app.errors import InsufficientStorage, Unavailable
from app.llm.teacher import Call, Reply
from app.runtime import Runtime
from app.use_cases.memory import Memory
from app.use_cases.settling import store_replies

# A burst is stored in parts, so that calls go out in between.
_AT_ONCE = 100
_log = structlog.get_logger(__name__)


class Returns:
    """The calls that a slice has sent, and the replies that came back and are not stored yet."""

    def __init__(self, runtime: Runtime, job_id: UUID, memory: Memory) -> None:
        self._runtime = runtime
        self._job_id = job_id
        self._memory = memory
        self._arrived: queue.SimpleQueue[Reply | None] = queue.SimpleQueue()
        self._unstored: list[Reply] = []
        self._sent: set[tuple[str, int]] = set()

    @property
    def sent(self) -> Collection[tuple[str, int]]:
        """Calls whose reply is not stored yet, as (slot, attempt)."""
        return self._sent

    @property
    def under_way(self) -> int:
        """How many that are."""
        return len(self._sent)

    @property
    def waiting(self) -> int:
        """How many replies of these are here and wait to be stored."""
        return len(self._unstored)

    def expect(self, call: Call) -> Callable[[Reply], None]:
        """Count a call as sent; returns what takes its reply, from any thread."""
        self._sent.add((call.key, call.attempt))
        return self._arrived.put

    def nudge(self) -> None:
        """Let whoever gathers stop waiting. Safe from any thread."""
        self._arrived.put(None)

    def gather(self, wait_s: float) -> bool:
        """Collect replies: wait for the first, then take those with it; True when nudged."""
        nudged = False
        with suppress(queue.Empty):
            arrived = self._arrived.get(timeout=wait_s) if wait_s else self._arrived.get_nowait()
            while True:
                if arrived is None:
                    nudged = True
                else:
                    self._unstored.append(arrived)
                arrived = self._arrived.get_nowait()
        return nudged

    def store(self) -> Sequence[Reply]:
        """Store the oldest replies and return them; raises Unavailable or InsufficientStorage.

        One that cannot be stored must not take its neighbours with it.
        """
        part = self._unstored[:_AT_ONCE]
        if not part:
            return ()
        try:
            self._write(part)
        except (Unavailable, InsufficientStorage):
            raise
        except Exception:  # noqa: BLE001 - whatever is wrong with one reply, the others are paid for
            _log.exception("replies_not_stored", job=str(self._job_id))
            for reply in part:
                self._store_alone(reply)
        return part

    def _store_alone(self, reply: Reply) -> None:
        try:
            self._write([reply])
        except (Unavailable, InsufficientStorage):
            raise
        except Exception:  # noqa: BLE001 - its call is charged when the next slice begins
            _log.exception("reply_not_stored", job=str(self._job_id), slot=reply.call.key)
            self._forget(1)

    def _write(self, replies: Sequence[Reply]) -> None:
        received = store_replies(self._runtime, self._job_id, replies)
        for slot_id, read in received.items():
            self._memory.replies.put(slot_id, read)
        self._forget(len(replies))

    def _forget(self, count: int) -> None:
        self._sent -= {(each.call.key, each.call.attempt) for each in self._unstored[:count]}
        del self._unstored[:count]
