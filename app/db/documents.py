"""Queries about the documents of a set, whose chunks are its seeds."""

from collections.abc import Sequence
from dataclasses import asdict
from uuid import UUID

import sqlalchemy as sa

from app.db.paging import cursor_number, decode_cursor, encode_cursor
from app.db.tables import documents, seed_sets, seeds
from app.domain.stored import Page, StoredDocument


def locked(connection: sa.Connection, seed_set_id: UUID) -> bool:
    """Have the set to ourselves until the transaction ends, jobs kept out; False without one."""
    query = sa.select(seed_sets.c.id).where(seed_sets.c.id == seed_set_id).with_for_update()
    return connection.execute(query).first() is not None


def insert(connection: sa.Connection, document: StoredDocument) -> None:
    """Store a document whose chunks follow or are there (same transaction)."""
    values = {name: each for name, each in asdict(document).items() if name != "created_at"}
    connection.execute(documents.insert().values(**values))


def of_set(connection: sa.Connection, seed_set_id: UUID) -> Sequence[StoredDocument]:
    """Every document of a set, in the order in which they came."""
    query = (
        sa.select(documents)
        .where(documents.c.seed_set_id == seed_set_id)
        .order_by(documents.c.position)
    )
    return [StoredDocument(**row._asdict()) for row in connection.execute(query)]


def page(
    connection: sa.Connection, seed_set_id: UUID, *, cursor: str | None, limit: int
) -> Page[StoredDocument]:
    """Documents of a set, in the order in which they came."""
    after = decode_cursor("documents", cursor, 1)
    query = (
        sa.select(documents)
        .where(documents.c.seed_set_id == seed_set_id)
        .order_by(documents.c.position)
        .limit(limit + 1)
    )
    if after is not None:
        query = query.where(documents.c.position > cursor_number(after[0]))
    found = [StoredDocument(**row._asdict()) for row in connection.execute(query)]
    more = encode_cursor("documents", [found[limit - 1].position]) if len(found) > limit else None
    return Page(found[:limit], more)


def next_seed_position(connection: sa.Connection, seed_set_id: UUID) -> int:
    """Where the chunks of a further document begin."""
    last = sa.func.coalesce(sa.func.max(seeds.c.position), -1)
    query = sa.select(last).where(seeds.c.seed_set_id == seed_set_id)
    return int(connection.execute(query).scalar_one()) + 1


def delete(connection: sa.Connection, document: StoredDocument) -> None:
    """Remove a document with its chunks, which bear its name."""
    connection.execute(
        seeds.delete().where(
            seeds.c.seed_set_id == document.seed_set_id, seeds.c.name == document.name
        )
    )
    connection.execute(documents.delete().where(documents.c.id == document.id))
