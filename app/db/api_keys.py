"""Queries about API keys: only digests are stored, so no key can be read back."""

from collections.abc import Mapping
from uuid import UUID

import sqlalchemy as sa

from app.db.access_tables import api_keys as keys
from app.db.clock import NOW, seconds
from app.db.paging import newest_first
from app.db.together import ask
from app.domain.api_keys import ApiKey, KeyPrint
from app.domain.stored import Page

_SHOWN = tuple(keys.c[name] for name in ApiKey.__slots__)
# Neither revoked nor expired.
GOOD = sa.and_(
    sa.or_(keys.c.revoked_at.is_(None), keys.c.revoked_at > NOW),
    sa.or_(keys.c.expires_at.is_(None), keys.c.expires_at > NOW),
)


def insert(
    connection: sa.Connection, values: Mapping[str, object], expires_in_s: float | None
) -> None:
    """Store a key."""
    connection.execute(keys.insert().values(**values, expires_at=_in(expires_in_s)))


def get(connection: sa.Connection, key_id: UUID, *, lock: bool = False) -> ApiKey | None:
    """One key, or None."""
    query = sa.select(*_SHOWN).where(keys.c.id == key_id)
    row = connection.execute(query.with_for_update() if lock else query).first()
    return ApiKey(**row._asdict()) if row else None


def by_prefix(connection: sa.Connection, prefix: str) -> ApiKey | None:
    """The key with this public part."""
    row = connection.execute(sa.select(*_SHOWN).where(keys.c.prefix == prefix)).first()
    return ApiKey(**row._asdict()) if row else None


def print_of(connection: sa.Connection, prefix: str) -> KeyPrint | None:
    """What a presented key is held against, and whether it is still good; None for none such."""
    query = sa.select(*_SHOWN, keys.c.digest, GOOD.label("good")).where(keys.c.prefix == prefix)
    row = connection.execute(query).first()
    if row is None:
        return None
    key = ApiKey(**{name: getattr(row, name) for name in ApiKey.__slots__})
    return KeyPrint(key, row.digest, row.good)


def any_good(connection: sa.Connection, scope: str) -> bool:
    """Whether there is a key with this scope that lets somebody in."""
    query = sa.select(sa.exists().where(GOOD, keys.c.scopes.contains([scope])))
    return bool(connection.execute(query).scalar_one())


def page(connection: sa.Connection, *, cursor: str | None, limit: int) -> Page[ApiKey]:
    """Keys, newest first."""
    asked = newest_first(
        sa.select(*_SHOWN),
        keys.c.id,
        lambda each: ApiKey(**each),
        kind="api_keys",
        cursor=cursor,
        limit=limit,
    )
    return ask(connection, asked)


def end(connection: sa.Connection, key_id: UUID, *, in_s: float = 0.0) -> None:
    """Let a key end at a moment from now, unless it ends sooner."""
    moment = sa.func.least(keys.c.revoked_at, _in(in_s))
    connection.execute(keys.update().where(keys.c.id == key_id).values(revoked_at=moment))


def note_use(connection: sa.Connection, key_id: UUID) -> None:
    """Remember that a key was used just now."""
    values = {"last_used_at": NOW}
    connection.execute(keys.update().where(keys.c.id == key_id).values(**values))


def _in(wait_s: float | None) -> "sa.ColumnElement[object] | None":
    return None if wait_s is None else NOW + seconds(wait_s)
