"""Queries about pools: instructions by sequence number, among which none may be too alike."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import sqlalchemy as sa

from app.db.batches import insert_many
from app.db.tables import pool_rows, pools
from app.domain.stored import PoolRecord
from app.errors import NotFound

_LOCK_CLASS = 0x706F6F6C  # "pool"

_FILL = sa.text(
    """
    INSERT INTO pool_rows (pool_id, seq, kind, source_id, text)
    SELECT :pool_id, row_number() OVER (ORDER BY position), 'seed', id, instruction
    FROM seeds WHERE seed_set_id = :seed_set_id
    """
)


def insert(connection: sa.Connection, pool: PoolRecord) -> None:
    """Store an empty pool."""
    values = {name: getattr(pool, name) for name in PoolRecord.__slots__}
    connection.execute(pools.insert().values(**values))


def get(connection: sa.Connection, pool_id: UUID) -> PoolRecord:
    """One pool; raises NotFound when it left with its job."""
    row = connection.execute(sa.select(pools).where(pools.c.id == pool_id)).first()
    if row is None:
        raise NotFound(f"There is no pool {pool_id}.")
    return PoolRecord(**row._asdict())


def fill_with_seeds(connection: sa.Connection, pool_id: UUID, seed_set_id: UUID) -> int:
    """Put every seed first, in file order; returns how many."""
    values = {"pool_id": pool_id, "seed_set_id": seed_set_id}
    count = connection.execute(_FILL, values).rowcount
    connection.execute(
        pools.update().where(pools.c.id == pool_id).values(last_seq=count, seed_count=count)
    )
    return count


def lock(connection: sa.Connection, pool_id: UUID) -> None:
    """Hold the pool until the transaction ends: admission is serial per pool."""
    key = (pool_id.int ^ (pool_id.int >> 64)) & 0x7FFFFFFF
    connection.execute(
        sa.text("SELECT pg_advisory_xact_lock(:kind, :key)"), {"kind": _LOCK_CLASS, "key": key}
    )


def texts_after(
    connection: sa.Connection, pool_id: UUID, seq: int, *, limit: int
) -> Sequence[tuple[int, str]]:
    """(seq, text) of up to `limit` rows behind `seq`, in order; the sequence has no gaps."""
    query = (
        sa.select(pool_rows.c.seq, pool_rows.c.text)
        .where(pool_rows.c.pool_id == pool_id, pool_rows.c.seq > seq)
        .order_by(pool_rows.c.seq)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in connection.execute(query)]


def with_hashes(
    connection: sa.Connection, pool_id: UUID, hashes: Sequence[bytes]
) -> Mapping[bytes, int]:
    """The sequence number of every row that has one of these hashes."""
    query = sa.select(pool_rows.c.norm_hash, pool_rows.c.seq).where(
        pool_rows.c.pool_id == pool_id, pool_rows.c.norm_hash.in_(hashes)
    )
    return {bytes(row[0]): row[1] for row in connection.execute(query)}


def seeds_unhashed(connection: sa.Connection, pool_id: UUID) -> bool:
    """Whether the pool has seeds and the first of them has no hash yet."""
    query = sa.select(pool_rows.c.seq).where(
        pool_rows.c.pool_id == pool_id,
        pool_rows.c.seq == 1,
        pool_rows.c.kind == "seed",
        pool_rows.c.norm_hash.is_(None),
    )
    return connection.execute(query).first() is not None


def seed_texts(
    connection: sa.Connection, pool_id: UUID, *, after: int, limit: int
) -> Sequence[tuple[int, str]]:
    """(seq, text) of seeds behind `after`, in order."""
    query = (
        sa.select(pool_rows.c.seq, pool_rows.c.text)
        .where(pool_rows.c.pool_id == pool_id, pool_rows.c.kind == "seed", pool_rows.c.seq > after)
        .order_by(pool_rows.c.seq)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in connection.execute(query)]


def set_hashes(connection: sa.Connection, pool_id: UUID, hashes: Mapping[int, bytes]) -> None:
    """Write the hashes of rows by sequence number."""
    statement = (
        pool_rows.update()
        .where(pool_rows.c.pool_id == pool_id, pool_rows.c.seq == sa.bindparam("of_seq"))
        .values(norm_hash=sa.bindparam("hash"))
    )
    connection.execute(statement, [{"of_seq": seq, "hash": value} for seq, value in hashes.items()])


def append(
    connection: sa.Connection,
    pool_id: UUID,
    items: Sequence[tuple[int, UUID, str, bytes | None]],
    *,
    kind: str = "candidate",
) -> None:
    """Append (seq, source id, text, hash or None) behind the last row; the pool is locked."""
    if not items:
        return
    values = [
        {
            "pool_id": pool_id,
            "seq": seq,
            "kind": kind,
            "source_id": source_id,
            "text": text,
            "norm_hash": norm_hash,
        }
        for seq, source_id, text, norm_hash in items
    ]
    insert_many(connection, pool_rows, values)
    connection.execute(pools.update().where(pools.c.id == pool_id).values(last_seq=items[-1][0]))


def rows_at(
    connection: sa.Connection, pool_id: UUID, seqs: Sequence[int]
) -> Mapping[int, tuple[UUID, str]]:
    """(source id, text) of the rows with these numbers."""
    query = sa.select(pool_rows.c.seq, pool_rows.c.source_id, pool_rows.c.text).where(
        pool_rows.c.pool_id == pool_id, pool_rows.c.seq.in_(seqs)
    )
    return {row[0]: (row[1], row[2]) for row in connection.execute(query)}


def delete(connection: sa.Connection, pool_id: UUID) -> None:
    """Remove a pool and its rows."""
    connection.execute(pools.delete().where(pools.c.id == pool_id))
