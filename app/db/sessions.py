"""Queries about sessions of browsers, and about tickets, each of which opens one session."""

from uuid import UUID

import sqlalchemy as sa

from app.db.access_tables import api_keys as keys
from app.db.access_tables import sessions
from app.db.api_keys import GOOD
from app.db.clock import NOW, seconds
from app.domain.api_keys import ApiKey


def insert(
    connection: sa.Connection, digest: bytes, kind: str, key_id: UUID | None, *, lives_s: float
) -> None:
    """Store a session or a ticket, and forget those that are over."""
    connection.execute(sessions.delete().where(sessions.c.expires_at < NOW))
    until = NOW + seconds(lives_s)
    values = {"digest": digest, "kind": kind, "key_id": key_id, "expires_at": until}
    connection.execute(sessions.insert().values(**values))


def take(connection: sa.Connection, digest: bytes, kind: str) -> bool:
    """Remove one that is still good; False when there is none, so that it serves once."""
    found = sa.and_(
        sessions.c.digest == digest, sessions.c.kind == kind, sessions.c.expires_at > NOW
    )
    return connection.execute(sessions.delete().where(found)).rowcount > 0


def key_of(connection: sa.Connection, digest: bytes) -> tuple[bool, ApiKey | None]:
    """Whether a session is good, and the key it was opened with (None: without one).

    A session ends with its key.
    """
    query = (
        sa.select(sessions.c.key_id, *(keys.c[name] for name in ApiKey.__slots__))
        .select_from(sessions.outerjoin(keys, keys.c.id == sessions.c.key_id))
        .where(sessions.c.digest == digest, sessions.c.kind == "session")
        .where(sessions.c.expires_at > NOW)
        .where(sa.or_(sessions.c.key_id.is_(None), GOOD))
    )
    row = connection.execute(query).first()
    if row is None:
        return False, None
    if row[0] is None:
        return True, None
    return True, ApiKey(**dict(zip(ApiKey.__slots__, row[1:], strict=True)))
