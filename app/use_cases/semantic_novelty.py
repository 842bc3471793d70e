"""The semantic rule over a pool: every row's vector in memory, and those of waiting candidates.

Calls are made before the pool's lock is taken, for no more texts than may need them: what is a
duplicate by its words, of the pool or of a candidate before it, is not paid for.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from app.db import candidates, embeddings, pools
from app.db.engine import Connection
from app.domain.normal import normal_hash
from app.domain.novelty import Nearest, NoveltyIndex
from app.domain.tokens import Tokens
from app.domain.vectors import Vector, VectorIndex
from app.llm.embeddings import text_digest
from app.runtime import Runtime
from app.use_cases.embedding import Embedded, Embedder
from app.use_cases.embedding_claims import EmbedderChoice
from app.use_cases.pool_indexes import KeptPool

SEMANTIC = "semantic"
EMBEDDING_REFUSED = "embedding_refused"
_PAGE = 1000
_NO_ROWS = Nearest(-1, -1.0)


class Meaning:
    """Answers for one batch of candidates which row of the pool is nearest in meaning."""

    def __init__(self, kept: KeptPool, choice: EmbedderChoice, embedded: Embedded) -> None:
        self.threshold = kept.pool.semantic_threshold or 1.0
        self._kept = kept
        self._choice = choice
        self._embedded = embedded

    def catch_up(self, connection: Connection) -> bool:
        """Read the vectors of rows that came since; False when one is not there."""
        return not read_stored_vectors(connection, self._kept, self._choice)

    def is_refused(self, text: str) -> bool:
        """Whether the embedder will not take the text."""
        return text_digest(text) in self._embedded.refused

    def nearest(self, text: str) -> Nearest | None:
        """The row nearest to the text, position -1 in an empty pool; None without its vector."""
        vector = self._embedded.vectors.get(text_digest(text))
        if vector is None:
            return None
        return self._kept.vectors.nearest(vector) or _NO_ROWS

    def add(self, text: str) -> None:
        """The text has become a row."""
        self._kept.vectors.add(self._embedded.vectors[text_digest(text)])


def prepare(
    runtime: Runtime, kept: KeptPool, embedder: Embedder | None, *, limit: int
) -> Meaning | None:
    """Get the vectors that the next `limit` candidates need; None when nothing can be judged."""
    pool = kept.pool
    with runtime.database.transaction() as connection:
        waiting = candidates.proposed(connection, pool.id, limit)
        equal = _exact_duplicates(connection, kept, waiting)
    if not waiting or embedder is None or pool.embedder_id is None:
        return None
    choice = embedder.choose(pool.embedder_id)
    if kept.vectors_of != choice.model:
        kept.vectors, kept.vectors_of = VectorIndex(), choice.model
    if not _embed_rows(runtime, kept, embedder, choice, waiting[0]["job_id"]):
        return None
    embedded = Embedded()
    for job_id, texts in _texts_to_embed(kept, waiting, equal).items():
        embedded = embedded.joined(embedder.embed(choice, job_id, texts))
    return Meaning(kept, choice, embedded)


def _exact_duplicates(
    connection: Connection, kept: KeptPool, waiting: Sequence[Mapping[str, Any]]
) -> frozenset[str]:
    if not kept.pool.exact_duplicates:
        return frozenset()
    hashes = {each["instruction"]: normal_hash(each["instruction"]) for each in waiting}
    found = pools.with_hashes(connection, kept.pool.id, list(hashes.values()))
    return frozenset(text for text, digest in hashes.items() if digest in found)


def _texts_to_embed(
    kept: KeptPool, waiting: Sequence[Mapping[str, Any]], equal: frozenset[str]
) -> Mapping[UUID, list[str]]:
    """Texts that no rule on words drops, by job; likeness among themselves counts as well."""
    batch = NoveltyIndex(tokens=Tokens(kept.pool.tokens), threshold=kept.pool.threshold)
    wanted: dict[UUID, list[str]] = {}
    for each in waiting:
        text: str = each["instruction"]
        known = text in equal or kept.index.duplicate_of(text) or batch.duplicate_of(text)
        if not known:
            batch.add(text)
            wanted.setdefault(each["job_id"], []).append(text)
    return wanted


def _embed_rows(
    runtime: Runtime, kept: KeptPool, embedder: Embedder, choice: EmbedderChoice, job_id: UUID
) -> bool:
    """Bring the pool's vectors up to its words; what is missing, such as seeds, is paid for."""
    while len(kept.vectors) < len(kept.index):
        with runtime.database.transaction() as connection:
            missing = read_stored_vectors(connection, kept, choice)
        if missing and not _take(kept, embedder.embed(choice, job_id, missing), missing):
            return False
    return True


def _take(kept: KeptPool, embedded: Embedded, texts: Sequence[str]) -> bool:
    """Add the vectors of the next rows; a row that is refused has none. False for a gap."""
    for text in texts:
        digest = text_digest(text)
        vector = embedded.vectors.get(digest)
        if vector is None and digest not in embedded.refused:
            return False
        kept.vectors.add(vector)
    return True


def read_stored_vectors(
    connection: Connection, kept: KeptPool, choice: EmbedderChoice
) -> Sequence[str]:
    """Add vectors that are stored, in order, up to the first that is not.

    Returns the texts of that row and the rest of its page; nothing when all are there.
    """
    while len(kept.vectors) < len(kept.index):
        limit = min(_PAGE, len(kept.index) - len(kept.vectors))
        found = pools.texts_after(connection, kept.pool.id, len(kept.vectors), limit=limit)
        texts = [text for _, text in found]
        vectors = stored_vectors(connection, choice, texts)
        for number, text in enumerate(texts):
            vector = vectors.get(text_digest(text))
            if vector is None:
                return texts[number:]
            kept.vectors.add(vector)
    return ()


def stored_vectors(
    connection: Connection, choice: EmbedderChoice, texts: Sequence[str]
) -> Mapping[bytes, Vector]:
    """The stored vectors of texts, by digest."""
    digests = [text_digest(text) for text in texts]
    found = embeddings.vectors(connection, choice.teacher_id, choice.model, digests)
    return {digest: vector for digest, vector in found.items() if vector is not None}
