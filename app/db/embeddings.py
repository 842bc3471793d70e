"""Queries about embeddings and the calls that were made for them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

import numpy as np
import sqlalchemy as sa

from app.db.call_tables import embedding_calls, embeddings
from app.db.clock import NOW, seconds
from app.db.tables import workers
from app.domain.lifecycle import EmbeddingCallState
from app.domain.stored import EmbeddingCall
from app.domain.vectors import Vector

_STORED_AS = np.dtype("<f4")

# In order of the key, so that two who want the same texts cannot wait for each other.
_CLAIM = sa.text(
    """
    INSERT INTO embeddings (teacher_id, model, digest, call_id)
    SELECT :teacher_id, :model, digest, call_id
    FROM unnest(CAST(:digests AS bytea[]), CAST(:calls AS uuid[])) AS given (digest, call_id)
    ORDER BY digest
    ON CONFLICT DO NOTHING RETURNING digest
    """
)
_STORE = sa.text(
    """
    INSERT INTO embeddings (teacher_id, model, digest, vector, call_id)
    SELECT :teacher_id, :model, digest, vector, :call_id
    FROM unnest(CAST(:digests AS bytea[]), CAST(:vectors AS bytea[])) AS given (digest, vector)
    ORDER BY digest
    ON CONFLICT (teacher_id, model, digest) DO UPDATE
    SET vector = excluded.vector, call_id = excluded.call_id WHERE embeddings.vector IS NULL
    """
)


def vectors(
    connection: sa.Connection, teacher_id: UUID, model: str, digests: Collection[bytes]
) -> Mapping[bytes, Vector | None]:
    """The vectors of texts by digest, None where a call is under way; unknown ones are left out."""
    query = sa.select(embeddings.c.digest, embeddings.c.vector).where(
        embeddings.c.teacher_id == teacher_id,
        embeddings.c.model == model,
        embeddings.c.digest == sa.any_(sa.cast(list(digests), sa.ARRAY(sa.LargeBinary))),
    )
    return {bytes(row[0]): _vector(row[1]) for row in connection.execute(query)}


def _vector(stored: bytes | None) -> Vector | None:
    return None if stored is None else np.frombuffer(stored, _STORED_AS)


def vector_size(connection: sa.Connection, teacher_id: UUID, model: str) -> int | None:
    """How many numbers this model's vectors have; None before the first."""
    query = (
        sa.select(sa.func.octet_length(embeddings.c.vector))
        .where(
            embeddings.c.teacher_id == teacher_id,
            embeddings.c.model == model,
            embeddings.c.vector.isnot(None),
        )
        .limit(1)
    )
    found = connection.execute(query).scalar()
    return None if found is None else found // _STORED_AS.itemsize


def claim(
    connection: sa.Connection, teacher_id: UUID, model: str, calls: Mapping[bytes, UUID]
) -> frozenset[bytes]:
    """Mark texts as under way by these calls; returns those that nobody else had."""
    values = {
        "teacher_id": teacher_id,
        "model": model,
        "digests": list(calls),
        "calls": list(calls.values()),
    }
    return frozenset(bytes(row[0]) for row in connection.execute(_CLAIM, values))


def store(
    connection: sa.Connection,
    teacher_id: UUID,
    model: str,
    call_id: UUID,
    found: Mapping[bytes, Vector],
) -> None:
    """Keep vectors; one that is there already stays as it is."""
    values = {
        "teacher_id": teacher_id,
        "model": model,
        "call_id": call_id,
        "digests": list(found),
        "vectors": [vector.astype(_STORED_AS).tobytes() for vector in found.values()],
    }
    connection.execute(_STORE, values)


def release(connection: sa.Connection, call_ids: Iterable[UUID]) -> None:
    """Texts of calls that brought nothing may be asked for again."""
    connection.execute(
        embeddings.delete().where(
            embeddings.c.vector.is_(None), embeddings.c.call_id.in_(list(call_ids))
        )
    )


def insert_calls(connection: sa.Connection, calls: Sequence[EmbeddingCall]) -> None:
    """Store calls that are about to be made."""
    values = [{name: getattr(call, name) for name in EmbeddingCall.__slots__} for call in calls]
    connection.execute(embedding_calls.insert(), values)


def locked(connection: sa.Connection, ids: Collection[UUID]) -> Mapping[UUID, EmbeddingCall]:
    """Calls by id, locked in one order for this transaction."""
    query = (
        sa.select(*_call_columns)
        .where(embedding_calls.c.id.in_(ids))
        .order_by(embedding_calls.c.id)
        .with_for_update()
    )
    return {row.id: _call(row) for row in connection.execute(query)}


_call_columns = [embedding_calls.c[name] for name in EmbeddingCall.__slots__]


def _call(row: "sa.Row[tuple[object, ...]]") -> EmbeddingCall:
    values = row._asdict()
    return EmbeddingCall(**{**values, "state": EmbeddingCallState(values["state"])})


def finish(connection: sa.Connection, call_id: UUID, values: Mapping[str, object]) -> None:
    """Write how a call ended; nothing is reserved for it any more."""
    connection.execute(
        embedding_calls.update()
        .where(embedding_calls.c.id == call_id)
        .values(**values, reserved_micro_usd=0, finished_at=NOW)
    )


def in_flight(
    connection: sa.Connection, *, job_id: UUID | None = None, teacher_id: UUID | None = None
) -> int:
    """How many calls are under way, of a job or to a teacher."""
    query = sa.select(sa.func.count()).where(
        embedding_calls.c.state == EmbeddingCallState.IN_FLIGHT
    )
    if job_id is not None:
        query = query.where(embedding_calls.c.job_id == job_id)
    if teacher_id is not None:
        query = query.where(embedding_calls.c.teacher_id == teacher_id)
    return connection.execute(query).scalar_one()


def orphans(
    connection: sa.Connection, *, lease_s: float, limit: int = 500
) -> Sequence[EmbeddingCall]:
    """Calls under way whose worker has not been heard of for `lease_s`, locked."""
    alive = sa.exists().where(
        workers.c.id == embedding_calls.c.worker_id,
        workers.c.heartbeat_at >= NOW - seconds(lease_s),
    )
    query = (
        sa.select(*_call_columns)
        .where(embedding_calls.c.state == EmbeddingCallState.IN_FLIGHT, sa.not_(alive))
        .order_by(embedding_calls.c.id)
        .limit(limit)
        .with_for_update(of=embedding_calls, skip_locked=True)
    )
    return [_call(row) for row in connection.execute(query)]
