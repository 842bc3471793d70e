"""The novelty indexes that a process keeps, each built from its pool in Postgres by sequence."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cache
from uuid import UUID

from app.db import pools
from app.db.engine import Connection
from app.domain.novelty import NoveltyIndex
from app.domain.stored import PoolRecord
from app.domain.tokens import Tokens
from app.domain.vectors import VectorIndex
from app.runtime import Runtime

PAGE = 10_000


@cache
def warm_up() -> None:
    """Have the index's loops compiled, once: the first time takes seconds, which no lock and no
    transaction should last."""
    index = NoveltyIndex()
    index.extend(f"say {number} words about the {number} things" for number in range(64))
    index.nearest("say something else")
    index.duplicate_of("say 7 words about the 7 things")
    index.add("say it at last")
    index.scores("say something else")


class Turn:
    """Lets one thread at a time work on a pool; who comes meanwhile makes it look again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = self._again = False

    def begin(self) -> bool:
        """Take the turn; False when another thread has it, which will then look again."""
        with self._lock:
            taken, self._taken, self._again = self._taken, True, True
            return not taken

    def goes_on(self) -> bool:
        """Whether to look (once more); when not, the turn is given back."""
        with self._lock:
            again, self._again = self._again, False
            self._taken = again
            return again

    def abandon(self) -> None:
        """Give the turn back after a failure."""
        with self._lock:
            self._taken = self._again = False


@dataclass
class KeptPool:
    """What is in memory of one pool: its words, and its vectors where meaning is compared.

    `vectors_of` names the model that the vectors are from. Hold the lock while using any of it.
    """

    pool: PoolRecord
    index: NoveltyIndex
    vectors: VectorIndex = field(default_factory=VectorIndex)
    vectors_of: str | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    turn: Turn = field(default_factory=Turn)

    @property
    def memory_bytes(self) -> int:
        return self.index.memory_bytes + self.vectors.memory_bytes


class PoolIndexes:
    """The indexes of the pools that this process admits to; the least recently used ones leave."""

    def __init__(self, *, memory_bytes: int) -> None:
        self._most_bytes = memory_bytes
        self._kept: OrderedDict[UUID, KeptPool] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, pool: PoolRecord) -> KeptPool:
        """The index of a pool, perhaps behind it; hold its lock while using it."""
        with self._lock:
            kept = self._kept.get(pool.id)
            if kept is None:
                index = NoveltyIndex(tokens=Tokens(pool.tokens), threshold=pool.threshold)
                kept = self._kept[pool.id] = KeptPool(pool, index)
            self._kept.move_to_end(pool.id)
            self._make_room(pool.id)
            return kept

    def known(self, pool_id: UUID) -> KeptPool | None:
        """The index of a pool if it is here; None when `get` would make it."""
        with self._lock:
            kept = self._kept.get(pool_id)
            if kept is not None:
                self._kept.move_to_end(pool_id)
                self._make_room(pool_id)
            return kept

    def forget(self, pool_id: UUID) -> None:
        """Drop an index that may hold what was not committed."""
        with self._lock:
            self._kept.pop(pool_id, None)

    def _make_room(self, needed: UUID) -> None:
        used = {pool_id: kept.memory_bytes for pool_id, kept in self._kept.items()}
        total = sum(used.values())
        for pool_id in list(self._kept):
            if total <= self._most_bytes or pool_id == needed:
                return
            total -= used[pool_id]
            del self._kept[pool_id]


def catch_up(runtime: Runtime, kept: KeptPool) -> None:
    """Read the pool's rows up to the present, page by page, each in a transaction of its own."""
    while True:
        with runtime.database.transaction() as connection:
            if read_page(connection, kept) < PAGE:
                return


def read_page(connection: Connection, kept: KeptPool) -> int:
    """Read the next rows of the pool, at most `PAGE`; returns how many."""
    found = pools.texts_after(connection, kept.pool.id, len(kept.index), limit=PAGE)
    kept.index.extend(text for _, text in found)
    return len(found)
