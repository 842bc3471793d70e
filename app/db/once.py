"""Queries about idempotency keys: the first request that brings one creates, the others find."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.db.clock import NOW, seconds
from app.db.tables import idempotency_keys as keys


def take(connection: sa.Connection, address: str, key: str, digest: bytes) -> bool:
    """Whether the key is ours to create under; waits for another transaction that has it."""
    statement = insert(keys).values(address=address, key=key, digest=digest)
    return connection.execute(statement.on_conflict_do_nothing()).rowcount > 0


def fill(connection: sa.Connection, address: str, key: str, made_id: UUID) -> None:
    """Say what was created under a key that was taken."""
    found = sa.and_(keys.c.address == address, keys.c.key == key)
    connection.execute(keys.update().where(found).values(made_id=made_id))


def found(connection: sa.Connection, address: str, key: str) -> tuple[bytes, UUID | None] | None:
    """The digest of the body that came with a key, and what was created."""
    query = sa.select(keys.c.digest, keys.c.made_id)
    row = connection.execute(query.where(keys.c.address == address, keys.c.key == key)).first()
    return None if row is None else (row.digest, row.made_id)


def forget_old(connection: sa.Connection, *, older_than_s: float) -> int:
    """Forget keys that nobody will repeat any more; returns how many."""
    age = seconds(older_than_s)
    old = keys.c.created_at < NOW - age
    return connection.execute(keys.delete().where(old)).rowcount
