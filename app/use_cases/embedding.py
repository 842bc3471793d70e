"""Embeddings for whoever needs them: looked up, or bought once and kept.

A text is claimed before it is sent, so that nobody else buys it meanwhile; no transaction is open
during a call. What cannot be had now is left out, and the caller comes again.
"""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from app.db import teachers
from app.domain.lifecycle import JobReason
from app.domain.settlement import Ending
from app.domain.vectors import Vector
from app.errors import InsufficientStorage, NotFound, Unavailable
from app.llm.client import Door
from app.llm.embeddings import MOST_TEXTS, embedding_model, text_digest
from app.llm.teacher import Reply
from app.runtime import Runtime
from app.use_cases.embedding_claims import (
    MOST_BYTES,
    ClaimedCall,
    Claims,
    EmbedderChoice,
    claim_texts,
)
from app.use_cases.embedding_settling import Answered, answered, pause, store_answers
from app.use_cases.heartbeat import Heartbeat
from app.use_cases.teachers import to_llm

REFUSED_IN_A_ROW = 10
_LINGER_S = 2.0
_RETRY_S = 1.0
_HOLD_S = 600.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors by the digest of their text, and the digests of texts that were refused."""

    vectors: Mapping[bytes, Vector] = field(default_factory=dict[bytes, Vector])
    refused: frozenset[bytes] = frozenset()

    def joined(self, other: "Embedded") -> "Embedded":
        """Both."""
        return Embedded({**self.vectors, **other.vectors}, self.refused | other.refused)


class Embedder:
    """One per process that admits; the way out and the sign of life are made when first needed."""

    def __init__(
        self,
        runtime: Runtime,
        make_door: Callable[[], Door],
        *,
        host: str,
        process: int,
        broken: Callable[[], None] = lambda: None,
    ) -> None:
        self.runtime = runtime
        self._broken = broken
        self.stopping = threading.Event()
        # The heart beats until the calls under way have ended, not only until the end is announced.
        self._closed = threading.Event()
        self._make_door = make_door
        self._identity = (host, process)
        self._lock = threading.Lock()
        self._door: Door | None = None
        self._heart: Heartbeat | None = None

    def choose(self, teacher_id: UUID) -> EmbedderChoice:
        """An embedder as it is now; raises NotFound."""
        with self.runtime.database.transaction() as connection:
            record = teachers.get(connection, teacher_id)
        if record is None:
            raise NotFound(f"There is no teacher {teacher_id}.")
        teacher = to_llm(self.runtime, record)
        return EmbedderChoice(record.id, record.name, embedding_model(teacher), teacher)

    def embed(self, choice: EmbedderChoice, job_id: UUID, texts: Sequence[str]) -> Embedded:
        """The vectors of texts, paid for by the job as far as they are not known."""
        door, heart = self._ready()
        purchase = _Purchase(texts)
        idle_since_s = self.runtime.monotonic_s()
        while purchase.groups and not self.stopping.is_set():
            claims = claim_texts(
                self.runtime, heart.worker_id, choice, job_id, list(purchase.groups)
            )
            purchase.take_known(claims)
            if claims.calls:
                self._buy(door, choice, job_id, claims.calls, purchase)
                idle_since_s = self.runtime.monotonic_s()
            elif not self._lingers(claims.wait_s, idle_since_s):
                break
        return purchase.outcome

    def close(self) -> None:
        """End the calls that are under way, and leave the list of workers."""
        self.stopping.set()
        if self._door is not None:
            self._door.close()
        self._closed.set()
        if self._heart is not None:
            self._heart.leave()

    def _ready(self) -> tuple[Door, Heartbeat]:
        with self._lock:
            if self._heart is None:
                host, process = self._identity
                self._heart = Heartbeat(
                    self.runtime,
                    self._closed,
                    kind="admit",
                    host=host,
                    process=process,
                    door=lambda: self._door,
                    broken=self._broken,
                )
            if self._door is None:
                self._door = self._make_door()
            return self._door, self._heart

    def _lingers(self, wait_s: float | None, idle_since_s: float) -> bool:
        """Whether to wait here: for others' calls, for the embedder's rest, if it is short."""
        if wait_s is None:
            return False
        left_s = _LINGER_S - (self.runtime.monotonic_s() - idle_since_s)
        if wait_s > left_s:
            return False  # too long to hold a thread: the sweep rings again
        self.stopping.wait(wait_s)
        return True

    def _buy(
        self,
        door: Door,
        choice: EmbedderChoice,
        job_id: UUID,
        calls: Sequence[ClaimedCall],
        purchase: "_Purchase",
    ) -> None:
        returned: queue.SimpleQueue[Reply] = queue.SimpleQueue()
        for each in calls:
            door.start(each.call, returned.put)
        by_key = {each.call.key: each for each in calls}
        replies = [returned.get() for _ in calls]
        found = [answered(by_key[reply.call.key], reply) for reply in replies]
        stored = self._stored(choice, job_id, found)
        purchase.take(stored)
        self.runtime.wake.generate(job_id)
        if purchase.refused_in_a_row >= REFUSED_IN_A_ROW:
            self._pause(choice, job_id, purchase)

    def _stored(
        self, choice: EmbedderChoice, job_id: UUID, found: Sequence[Answered]
    ) -> Sequence[Answered]:
        """Store what came; while Postgres is away, hold it and offer it again."""
        deadline_s = self.runtime.monotonic_s() + _HOLD_S
        while True:
            try:
                return store_answers(self.runtime, choice, job_id, found)
            except (Unavailable, InsufficientStorage) as error:
                _log.warning("embeddings_wait", job=str(job_id), detail=error.detail)
                if self.stopping.is_set() or self.runtime.monotonic_s() > deadline_s:
                    raise
                time.sleep(_RETRY_S)

    def _pause(self, choice: EmbedderChoice, job_id: UUID, purchase: "_Purchase") -> None:
        """One text after the other is refused: it is not the texts."""
        reason, error = JobReason.EMBEDDER_REFUSED, purchase.last_error
        with self.runtime.database.transaction() as connection:
            pause(connection, choice, job_id, reason, error)
        purchase.give_up()


class _Purchase:
    """Texts that are wanted, in groups of a call each, and what has come of them."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.groups = deque(_groups({text_digest(text): text for text in texts}))
        self.refused_in_a_row = 0
        self.last_error: str | None = None
        self._vectors: dict[bytes, Vector] = {}
        self._refused: set[bytes] = set()

    @property
    def outcome(self) -> Embedded:
        return Embedded(self._vectors, frozenset(self._refused))

    def take_known(self, claims: Claims) -> None:
        """Keep what was stored already, and ask for it no more."""
        self._vectors |= claims.known
        self._drop(claims.known)

    def take(self, found: Sequence[Answered]) -> None:
        """Keep vectors; halve a group that was refused, until it is one text."""
        for each in found:
            self._vectors |= each.vectors
            self._drop(each.vectors)
            if each.ending is Ending.ANSWERED:
                self.refused_in_a_row = 0
            elif each.ending is Ending.REFUSED:
                self.last_error = each.error
                self._halve(each.claimed.texts)

    def give_up(self) -> None:
        """Nothing more is asked for, and no single refusal counts."""
        self.groups.clear()
        self._refused.clear()

    def _halve(self, texts: Mapping[bytes, str]) -> None:
        self._drop(texts)
        if len(texts) == 1:
            self._refused |= texts.keys()
            self.refused_in_a_row += 1
            return
        items = list(texts.items())
        middle = len(items) // 2
        self.groups.extendleft((dict(items[middle:]), dict(items[:middle])))

    def _drop(self, gone: Mapping[bytes, object]) -> None:
        left = (
            {digest: text for digest, text in group.items() if digest not in gone}
            for group in self.groups
        )
        self.groups = deque(group for group in left if group)


def _groups(texts: Mapping[bytes, str]) -> Sequence[dict[bytes, str]]:
    """Up to 64 texts a call, and no more bytes than a call may hold unless one text does."""
    groups: list[dict[bytes, str]] = []
    size = MOST_BYTES
    for digest, text in texts.items():
        length = len(text.encode("utf-8", "surrogatepass"))
        if not groups or len(groups[-1]) == MOST_TEXTS or size + length > MOST_BYTES:
            groups.append({})
            size = 0
        groups[-1][digest] = text
        size += length
    return groups
