"""Queries about the audit log: a chain of rows that is only ever made longer."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.db.access_tables import audit_log as log
from app.db.clock import NOW
from app.db.paging import decode_cursor, encode_cursor
from app.domain.audit import BEGINNING, AuditEntry, AuditLink
from app.domain.stored import Page
from app.errors import UnknownCursor

_LOCK = 0x6175646974  # "audit", an advisory lock's number
_BATCH = 1000


def last_link(connection: sa.Connection) -> tuple[AuditLink, datetime]:
    """The end of the chain, ours to lengthen until this transaction ends, and the time."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    query = sa.select(log.c.number, log.c.hash).order_by(log.c.number.desc()).limit(1)
    row = connection.execute(query).first()
    now = connection.execute(sa.select(NOW)).scalar_one()
    return (AuditLink(row.number, row.hash) if row else AuditLink(0, BEGINNING)), now


def insert(connection: sa.Connection, entry: AuditEntry) -> None:
    """Add a row."""
    values = {name: getattr(entry, name) for name in AuditEntry.__slots__}
    connection.execute(log.insert().values(**values))


def walk(connection: sa.Connection) -> Iterator[AuditEntry]:
    """Every row from the first, in batches."""
    number = 0
    while True:
        query = sa.select(log).where(log.c.number > number).order_by(log.c.number).limit(_BATCH)
        found = [AuditEntry(**row._asdict()) for row in connection.execute(query)]
        yield from found
        if len(found) < _BATCH:
            return
        number = found[-1].number


def page(
    connection: sa.Connection, filters: Mapping[str, str], *, cursor: str | None, limit: int
) -> Page[AuditEntry]:
    """Rows, newest first; `filters` are columns and the values that they must have."""
    query = sa.select(log).order_by(log.c.number.desc()).limit(limit + 1)
    for name, value in filters.items():
        query = query.where(log.c[name] == value)
    after = decode_cursor("audit", cursor, 1)
    if after is not None:
        query = query.where(log.c.number < _number(after[0]))
    found = [AuditEntry(**row._asdict()) for row in connection.execute(query)]
    more = encode_cursor("audit", [found[limit - 1].number]) if len(found) > limit else None
    return Page(found[:limit], more)


def count_of_day(connection: sa.Connection, key_id: UUID, action: str) -> int:
    """How often a key did something within the last 24 hours."""
    since = NOW - sa.func.make_interval(0, 0, 0, 1)
    query = sa.select(sa.func.count()).where(
        log.c.key_id == key_id, log.c.action == action, log.c.at > since, log.c.outcome == "done"
    )
    return connection.execute(query).scalar_one()


def _number(value: object) -> int:
    if not isinstance(value, int) or not 0 <= value < 1 << 63:
        raise UnknownCursor("Use a `next` value of this list as cursor, or leave the cursor out.")
    return value
