"""Admission: compare candidates with the whole pool, serially per pool, and let the novel in."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.db import candidates, counts, pools
from app.db.counts import Tally
from app.db.engine import Connection
from app.domain.lifecycle import CandidateState
from app.domain.normal import normal_hash
from app.domain.novelty import NoveltyIndex
from app.domain.stored import PoolRecord
from app.domain.tokens import Tokens
from app.errors import NotFound
from app.runtime import Runtime

ROUGE_L = "rouge_l"
EXACT_DUPLICATE = "exact_duplicate"
_BATCH = 200
_PAGE = 10_000


@dataclass
class _Kept:
    index: NoveltyIndex
    lock: threading.Lock = field(default_factory=threading.Lock)


class PoolIndexes:
    """The indexes of the pools that this process admits to; the least recently used ones leave."""

    def __init__(self, *, memory_bytes: int) -> None:
        self._most_bytes = memory_bytes
        self._kept: OrderedDict[UUID, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, pool: PoolRecord) -> _Kept:
        """The index of a pool, perhaps behind it; hold its lock while using it."""
        with self._lock:
            kept = self._kept.get(pool.id)
            if kept is None:
                index = NoveltyIndex(tokens=Tokens(pool.tokens), threshold=pool.threshold)
                kept = self._kept[pool.id] = _Kept(index)
            self._kept.move_to_end(pool.id)
            self._make_room(pool.id)
            return kept

    def forget(self, pool_id: UUID) -> None:
        """Drop an index that may hold what was not committed."""
        with self._lock:
            self._kept.pop(pool_id, None)

    def _make_room(self, needed: UUID) -> None:
        used = {pool_id: kept.index.memory_bytes for pool_id, kept in self._kept.items()}
        total = sum(used.values())
        for pool_id in list(self._kept):
            if total <= self._most_bytes or pool_id == needed:
                return
            total -= used[pool_id]
            del self._kept[pool_id]


def admit(runtime: Runtime, indexes: PoolIndexes, pool_id: UUID) -> int:
    """Judge every candidate that waits for this pool; returns how many were judged."""
    try:
        with runtime.database.transaction() as connection:
            pool = pools.get(connection, pool_id)
    except NotFound:
        return 0
    judged = 0
    kept = indexes.get(pool)
    with kept.lock:
        while batch := _admit_batch(runtime, indexes, kept.index, pool):
            judged += batch
    return judged


def _admit_batch(
    runtime: Runtime, indexes: PoolIndexes, index: NoveltyIndex, pool: PoolRecord
) -> int:
    # The long way to the present is walked without the lock, the last steps with it.
    _catch_up(runtime, index, pool)
    try:
        with runtime.database.transaction() as connection:
            pools.lock(connection, pool.id)
            waiting = candidates.proposed(connection, pool.id, _BATCH)
            if not waiting:
                return 0
            _read_page(connection, index, pool.id)
            _hash_seeds(connection, pool)
            batch = _Batch(connection, pool, index)
            for each in waiting:
                batch.judge(each)
            batch.write()
    except BaseException:
        # The index may hold rows of a transaction that was rolled back.
        indexes.forget(pool.id)
        raise
    for job_id in {each["job_id"] for each in waiting}:
        runtime.wake.generate(job_id)
    return len(waiting)


def _catch_up(runtime: Runtime, index: NoveltyIndex, pool: PoolRecord) -> None:
    while True:
        with runtime.database.transaction() as connection:
            if _read_page(connection, index, pool.id) < _PAGE:
                return


def _read_page(connection: Connection, index: NoveltyIndex, pool_id: UUID) -> int:
    found = pools.texts_after(connection, pool_id, len(index), limit=_PAGE)
    index.extend(text for _, text in found)
    return len(found)


def _hash_seeds(connection: Connection, pool: PoolRecord) -> None:
    """Once per pool: the exact rule needs the seeds' hashes (of equal seeds, the first has it)."""
    if not pool.exact_duplicates or not pools.seeds_unhashed(connection, pool.id):
        return
    seen: set[bytes] = set()
    after = 0
    while found := pools.seed_texts(connection, pool.id, after=after, limit=_PAGE):
        fresh: dict[int, bytes] = {}
        for seq, text in found:
            digest = normal_hash(text)
            if digest not in seen:
                seen.add(digest)
                fresh[seq] = digest
        pools.set_hashes(connection, pool.id, fresh)
        after = found[-1][0]


class _Batch:
    """Judges candidates in order; each novel one is in the pool for those behind it."""

    def __init__(self, connection: Connection, pool: PoolRecord, index: NoveltyIndex) -> None:
        self._connection = connection
        self._pool = pool
        self._index = index
        self._changes: list[dict[str, object]] = []
        self._novel: list[tuple[int, UUID, str, bytes | None]] = []
        self._hashes: dict[bytes, int] = {}
        self._tallies: dict[UUID, Tally] = {}

    def judge(self, candidate: Mapping[str, Any]) -> None:
        """Decide one candidate: an exact duplicate, too alike to an earlier row, or novel."""
        text: str = candidate["instruction"]
        digest = normal_hash(text) if self._pool.exact_duplicates else None
        equal_seq = self._equal(digest)
        nearest = self._index.nearest(text)
        score = nearest.score if nearest else None
        nearest_seq = nearest.position + 1 if nearest else None
        if equal_seq is not None:
            self._drop(candidate, EXACT_DUPLICATE, equal_seq, score)
        elif score is not None and score > self._pool.threshold:
            self._drop(candidate, ROUGE_L, nearest_seq, score)
        else:
            self._let_in(candidate, digest, nearest_seq, score)

    def _equal(self, digest: bytes | None) -> int | None:
        if digest is None:
            return None
        found = self._hashes.get(digest)
        if found is not None:
            return found
        return pools.with_hashes(self._connection, self._pool.id, [digest]).get(digest)

    def _drop(
        self, candidate: Mapping[str, Any], reason: str, seq: int | None, score: float | None
    ) -> None:
        self._decide(candidate, CandidateState.DUPLICATE, reason, None, seq, score)
        self._tally(candidate)["drop", reason] += 1

    def _let_in(
        self,
        candidate: Mapping[str, Any],
        digest: bytes | None,
        nearest_seq: int | None,
        score: float | None,
    ) -> None:
        seq = self._index.add(candidate["instruction"]) + 1
        self._novel.append((seq, candidate["id"], candidate["instruction"], digest))
        if digest is not None:
            self._hashes[digest] = seq
        self._decide(candidate, CandidateState.NOVEL, None, seq, nearest_seq, score)

    def _decide(
        self,
        candidate: Mapping[str, Any],
        state: CandidateState,
        reason: str | None,
        pool_seq: int | None,
        nearest_seq: int | None,
        score: float | None,
    ) -> None:
        self._changes.append(
            {
                "id": candidate["id"],
                "state": state,
                "reason": reason,
                "pool_seq": pool_seq,
                "nearest_seq": nearest_seq,
                "nearest_score": score,
            }
        )
        tally = self._tally(candidate)
        tally["candidate", CandidateState.PROPOSED] -= 1
        tally["candidate", state] += 1

    def _tally(self, candidate: Mapping[str, Any]) -> Tally:
        return self._tallies.setdefault(candidate["job_id"], Tally())

    def write(self) -> None:
        """Write the fates, the new rows of the pool, and the counts."""
        candidates.admit(self._connection, self._changes)
        pools.append(self._connection, self._pool.id, self._novel)
        for job_id in sorted(self._tallies):
            counts.add(self._connection, job_id, self._tallies[job_id])
