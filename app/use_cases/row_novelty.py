"""The rule on whole rows: instruction and input together, against the job's accepted rows.

Rows are judged in the transaction that writes them, under their pool's lock, so that no two
accepted rows of a job are too alike whoever reads its replies.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from app.db import pools
from app.db.counts import Tally
from app.db.engine import Connection
from app.domain.lifecycle import RowState
from app.domain.stored import Job
from app.runtime import Runtime
from app.use_cases.pool_indexes import PAGE, KeptPool, PoolIndexes, catch_up, read_page, warm_up

ROUGE_L_WITH_INPUT = "rouge_l_with_input"


class RowRule:
    """Judges the rows of one transaction; without a pool every row passes."""

    def __init__(self, kept: KeptPool | None) -> None:
        self._kept = kept

    def hold(self, connection: Connection) -> None:
        """Hold the pool, if there is one, until the transaction ends."""
        if self._kept is not None:
            pools.lock(connection, self._kept.pool.id)

    def judge(self, connection: Connection, rows: list[dict[str, Any]], tally: Tally) -> None:
        """Reject accepted rows that are too alike to an earlier one; the rest join the pool."""
        if self._kept is None or not any(row["state"] is RowState.ACCEPTED for row in rows):
            return
        pools.lock(connection, self._kept.pool.id)
        while read_page(connection, self._kept) == PAGE:
            pass
        batch = _Batch(connection, self._kept)
        for row in rows:
            if row["state"] is RowState.ACCEPTED:
                batch.judge(row, tally)
        pools.append(connection, self._kept.pool.id, batch.taken, kind="row")


class _Batch:
    """The rows that are judged together; each one taken is in the pool for those behind it."""

    def __init__(self, connection: Connection, kept: KeptPool) -> None:
        self._connection = connection
        self._kept = kept
        self.taken: list[tuple[int, UUID, str, bytes | None]] = []

    def judge(self, row: dict[str, Any], tally: Tally) -> None:
        text = f"{row['instruction']}\n{row['input']}"
        nearest = self._kept.index.duplicate_of(text)
        if nearest is None:
            seq = self._kept.index.add(text) + 1
            self.taken.append((seq, row["id"], text, None))
            return
        row["state"] = RowState.REJECTED
        row["reasons"] = [ROUGE_L_WITH_INPUT]
        row["nearest_row_id"] = self._row_at(nearest.position + 1)
        row["nearest_score"] = nearest.score
        tally["row", RowState.ACCEPTED] -= 1
        tally["row", RowState.REJECTED] += 1
        tally["drop", ROUGE_L_WITH_INPUT] += 1

    def _row_at(self, seq: int) -> UUID:
        for taken_seq, row_id, _, _ in self.taken:
            if taken_seq == seq:
                return row_id
        return pools.rows_at(self._connection, self._kept.pool.id, [seq])[seq][0]


@contextmanager
def row_rule(runtime: Runtime, job: Job, indexes: PoolIndexes) -> Generator[RowRule]:
    """The rule of a job, to be held around the transaction that writes its rows."""
    if job.row_pool_id is None:
        yield RowRule(None)
        return
    warm_up()
    kept = indexes.known(job.row_pool_id)
    if kept is None:
        with runtime.database.transaction() as connection:
            kept = indexes.get(pools.get(connection, job.row_pool_id))
    with kept.lock:
        try:
            if not len(kept.index):
                catch_up(runtime, kept)  # a whole pool is not read under the pool's lock
            yield RowRule(kept)
        except BaseException:
            # The index may hold rows of a transaction that was rolled back.
            indexes.forget(job.row_pool_id)
            raise
