"""Admission: compare candidates with the whole pool, serially per pool, and let the novel in."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app import traces
from app.db import candidates, counts, pools
from app.db.counts import Tally
from app.db.engine import Connection
from app.domain.lifecycle import CandidateState
from app.domain.normal import normal_hash
from app.domain.stored import PoolRecord
from app.errors import NotFound
from app.runtime import Runtime
from app.use_cases.embedding import Embedder
from app.use_cases.pool_indexes import (
    PAGE,
    KeptPool,
    PoolIndexes,
    catch_up,
    read_page,
    warm_up,
)
from app.use_cases.semantic_novelty import EMBEDDING_REFUSED, SEMANTIC, Meaning, prepare

__all__ = ["PoolIndexes", "admit"]

ROUGE_L = "rouge_l"
EXACT_DUPLICATE = "exact_duplicate"
BATCH = 200
_log = logging.getLogger(__name__)


def admit(
    runtime: Runtime, indexes: PoolIndexes, pool_id: UUID, embedder: Embedder | None = None
) -> int:
    """Judge every candidate that waits for this pool; returns how many were judged.

    Where meaning is compared too, this stops at the first candidate whose embedding cannot be had
    at present; without an embedder, at the first that needs one.
    """
    try:
        with runtime.database.transaction() as connection:
            pool = pools.get(connection, pool_id)
    except NotFound:
        return 0
    warm_up()
    judged = 0
    kept = indexes.get(pool)
    if not kept.turn.begin():
        return 0  # another thread is at it, and looks again before it leaves
    try:
        while kept.turn.goes_on():
            with kept.lock:
                while batch := _traced_batch(runtime, indexes, kept, embedder):
                    judged += batch
    except BaseException:
        kept.turn.abandon()
        raise
    return judged


def _traced_batch(
    runtime: Runtime, indexes: PoolIndexes, kept: KeptPool, embedder: Embedder | None
) -> int:
    with traces.span("admission_batch", pool=str(kept.pool.id)) as span:
        judged = _admit_batch(runtime, indexes, kept, embedder)
        span.set(judged=judged)
    if judged:
        _log.debug("candidates_judged", extra={"pool": str(kept.pool.id), "judged": judged})
    return judged


def _admit_batch(
    runtime: Runtime, indexes: PoolIndexes, kept: KeptPool, embedder: Embedder | None
) -> int:
    try:
        # The long way to the present is walked without the lock, the last steps with it.
        catch_up(runtime, kept)
        meaning = None
        if kept.pool.semantic_threshold is not None:
            meaning = prepare(runtime, kept, embedder, limit=BATCH)
            if meaning is None:
                return 0
        with runtime.database.transaction() as connection:
            judged = _judge(connection, kept, meaning)
    except BaseException:
        # The index may hold rows of a transaction that was rolled back.
        indexes.forget(kept.pool.id)
        raise
    for job_id in {each["job_id"] for each in judged}:
        runtime.wake.generate(job_id)
    return len(judged)


def _judge(
    connection: Connection, kept: KeptPool, meaning: Meaning | None
) -> Sequence[Mapping[str, Any]]:
    """Judge a batch of waiting candidates under the pool's lock; returns those judged."""
    pools.lock(connection, kept.pool.id)
    waiting = candidates.proposed(connection, kept.pool.id, BATCH)
    if not waiting:
        return ()
    while read_page(connection, kept) == PAGE:
        pass
    if meaning is not None and not meaning.catch_up(connection):
        return ()
    _hash_seeds(connection, kept.pool)
    batch = _Batch(connection, kept, meaning)
    batch.look_up(each["instruction"] for each in waiting)
    judged = 0
    while judged < len(waiting) and batch.judge(waiting[judged]):
        judged += 1
    batch.write()
    return waiting[:judged]


def _hash_seeds(connection: Connection, pool: PoolRecord) -> None:
    """Once per pool: the exact rule needs the seeds' hashes (of equal seeds, the first has it)."""
    if not pool.exact_duplicates or not pools.seeds_unhashed(connection, pool.id):
        return
    seen: set[bytes] = set()
    after = 0
    while found := pools.seed_texts(connection, pool.id, after=after, limit=PAGE):
        fresh: dict[int, bytes] = {}
        for seq, text in found:
            digest = normal_hash(text)
            if digest not in seen:
                seen.add(digest)
                fresh[seq] = digest
        pools.set_hashes(connection, pool.id, fresh)
        after = found[-1][0]


@dataclass(frozen=True, slots=True)
class _Fate:
    """What becomes of a candidate: the rule that dropped it, and the row it is most like."""

    reason: str | None = None
    nearest_seq: int | None = None
    score: float | None = None
    cosine: float | None = None

    @property
    def state(self) -> CandidateState:
        if self.reason is None:
            return CandidateState.NOVEL
        refused = self.reason == EMBEDDING_REFUSED
        return CandidateState.REJECTED if refused else CandidateState.DUPLICATE


class _Batch:
    """Judges candidates in order; each novel one is in the pool for those behind it."""

    def __init__(self, connection: Connection, kept: KeptPool, meaning: Meaning | None) -> None:
        self._connection = connection
        self._pool = kept.pool
        self._index = kept.index
        self._meaning = meaning
        self._changes: list[dict[str, object]] = []
        self._novel: list[tuple[int, UUID, str, bytes | None]] = []
        self._hashes: dict[bytes, int] = {}
        self._tallies: dict[UUID, Tally] = {}

    def look_up(self, texts: Iterable[str]) -> None:
        """Learn which of these texts equal a row of the pool, all in one query."""
        if self._pool.exact_duplicates:
            digests = list({normal_hash(text) for text in texts})
            self._hashes |= pools.with_hashes(self._connection, self._pool.id, digests)

    def judge(self, candidate: Mapping[str, Any]) -> bool:
        """Decide one candidate; False when its embedding is needed and not there."""
        text: str = candidate["instruction"]
        digest = normal_hash(text) if self._pool.exact_duplicates else None
        fate = self._by_words(text, digest)
        if fate.reason is None and self._meaning is not None:
            fate = self._by_meaning(self._meaning, text, fate)
            if fate is None:
                return False
        seq = None if fate.reason else self._let_in(candidate, digest)
        self._decide(candidate, fate, seq)
        return True

    def _by_words(self, text: str, digest: bytes | None) -> _Fate:
        equal_seq = self._equal(digest)
        if self._pool.threshold >= 1.0:
            # No score is above 1, so the whole pool need not be walked for the nearest.
            return _Fate() if equal_seq is None else _Fate(EXACT_DUPLICATE, equal_seq, 1.0)
        nearest = self._index.nearest(text)
        if nearest is None:
            return _Fate()
        if equal_seq is not None:
            return _Fate(EXACT_DUPLICATE, equal_seq, nearest.score)
        reason = ROUGE_L if nearest.score > self._pool.threshold else None
        return _Fate(reason, nearest.position + 1, nearest.score)

    def _by_meaning(self, meaning: Meaning, text: str, by_words: _Fate) -> _Fate | None:
        if meaning.is_refused(text):
            return _Fate(EMBEDDING_REFUSED, by_words.nearest_seq, by_words.score)
        nearest = meaning.nearest(text)
        if nearest is None:
            return None
        if nearest.score > meaning.threshold:
            score = float(self._index.scores(text)[nearest.position])
            return _Fate(SEMANTIC, nearest.position + 1, score, nearest.score)
        known = nearest.score if nearest.position >= 0 else None
        return _Fate(None, by_words.nearest_seq, by_words.score, known)

    def _equal(self, digest: bytes | None) -> int | None:
        return None if digest is None else self._hashes.get(digest)

    def _let_in(self, candidate: Mapping[str, Any], digest: bytes | None) -> int:
        text: str = candidate["instruction"]
        seq = self._index.add(text) + 1
        if self._meaning is not None:
            self._meaning.add(text)
        self._novel.append((seq, candidate["id"], text, digest))
        if digest is not None:
            self._hashes[digest] = seq
        return seq

    def _decide(self, candidate: Mapping[str, Any], fate: _Fate, pool_seq: int | None) -> None:
        self._changes.append(
            {
                "id": candidate["id"],
                "state": fate.state,
                "reason": fate.reason,
                "pool_seq": pool_seq,
                "nearest_seq": fate.nearest_seq,
                "nearest_score": fate.score,
                "nearest_cosine": fate.cosine,
            }
        )
        tally = self._tallies.setdefault(candidate["job_id"], Tally())
        tally["candidate", CandidateState.PROPOSED] -= 1
        tally["candidate", fate.state] += 1
        if fate.reason:
            tally["drop", fate.reason] += 1

    def write(self) -> None:
        """Write the fates, the new rows of the pool, and the counts."""
        candidates.admit(self._connection, self._changes)
        pools.append(self._connection, self._pool.id, self._novel)
        for job_id in sorted(self._tallies):
            counts.add(self._connection, job_id, self._tallies[job_id])
