"""How exported instructions came about: the calls behind them, and how near the pool was."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from app.db import pools, row_origins
from app.db.row_origins import ProposingReply
from app.db.rows import ExportedRow
from app.domain.novelty import NoveltyIndex
from app.domain.records import Origin
from app.domain.stored import Job
from app.domain.tokens import Tokens
from app.llm.replies import read_reply
from app.llm.teacher import Endpoint
from app.runtime import Runtime

_NEAREST_KEPT = 10  # what Self-Instruct's and Alpaca's released code keeps of each instruction
_PAGE = 2000


class InstructionOrigins:
    """Walks the pool of a job beside its rows, which must come in dataset order.

    Similarities are computed anew against everything that was in the pool before an instruction,
    so that the whole pool is in memory in the end (`NoveltyIndex` says how much that is).
    """

    def __init__(self, runtime: Runtime, job: Job) -> None:
        self._runtime = runtime
        self._pool_id = job.pool_id
        with runtime.database.transaction() as connection:
            pool = pools.get(connection, job.pool_id)
        self._index = NoveltyIndex(tokens=Tokens(pool.tokens), threshold=pool.threshold)
        self._texts: list[str] = []
        self._waiting: list[tuple[int, str]] = []
        self._read_to = 0

    def of(self, page: Sequence[ExportedRow]) -> Mapping[UUID, Origin]:
        """By candidate, the origin of the instructions of a page, where a call proposed them."""
        ids = {each.candidate_id for each in page}
        with self._runtime.database.transaction() as connection:
            replies = row_origins.replies(connection, ids)
        found: dict[UUID, Origin] = {}
        for each in page:
            if each.candidate_id in replies and each.candidate_id not in found:
                self._admit_before(each.pool_seq)
                found[each.candidate_id] = self._origin(
                    each.instruction, replies[each.candidate_id]
                )
        return found

    def _admit_before(self, seq: int) -> None:
        """Add everything that was in the pool before."""
        while self._waiting or self._read_more():
            if self._waiting[0][0] >= seq:
                return
            _, text = self._waiting.pop(0)
            self._index.add(text)
            self._texts.append(text)

    def _read_more(self) -> bool:
        with self._runtime.database.transaction() as connection:
            self._waiting = list(
                pools.texts_after(connection, self._pool_id, self._read_to, limit=_PAGE)
            )
        if self._waiting:
            self._read_to = self._waiting[-1][0]
        return bool(self._waiting)

    def _origin(self, instruction: str, reply: ProposingReply) -> Origin:
        scores: NDArray[np.float64] = self._index.scores(instruction)
        nearest: list[int] = np.argsort(-scores, kind="stable")[:_NEAREST_KEPT].tolist()
        completion = read_reply(Endpoint(reply.endpoint), reply.raw).completion
        return Origin(
            number=reply.number,
            prompt=reply.prompt,
            reply=completion.text if completion else "",
            finish_reason=completion.finish_reason if completion else None,
            received_at=reply.received_at.isoformat(),
            most_similar={self._texts[at]: float(scores[at]) for at in nearest},
            avg_similarity_score=float(np.mean(scores)) if scores.size else 0.0,
        )
