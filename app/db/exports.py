"""Queries about exports."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.db.clock import NOW
from app.db.paging import newest_first
from app.db.tables import exports
from app.db.together import ask
from app.domain.lifecycle import ExportState
from app.domain.stored import ExportRecord, Page

_columns = [exports.c[name] for name in ExportRecord.__slots__]


def _record(values: Mapping[str, Any]) -> ExportRecord:
    return ExportRecord(**{**values, "state": ExportState(values["state"])})


def insert(connection: sa.Connection, values: Mapping[str, object]) -> None:
    """Store a queued export."""
    connection.execute(exports.insert().values(**values))


def get(connection: sa.Connection, export_id: UUID) -> ExportRecord | None:
    """One export, or None."""
    row = connection.execute(sa.select(*_columns).where(exports.c.id == export_id)).first()
    return _record(row._asdict()) if row else None


def page(
    connection: sa.Connection, *, job_id: UUID | None, cursor: str | None, limit: int
) -> Page[ExportRecord]:
    """Exports, newest first."""
    query = sa.select(*_columns)
    if job_id is not None:
        query = query.where(exports.c.job_id == job_id)
    asked = newest_first(query, exports.c.id, _record, kind="exports", cursor=cursor, limit=limit)
    return ask(connection, asked)


def claim(connection: sa.Connection, export_id: UUID) -> bool:
    """Take a queued export; also one whose maker went silent ten minutes ago."""
    silent = sa.and_(
        exports.c.state == ExportState.RUNNING,
        exports.c.hinted_at < NOW - sa.text("interval '10 minutes'"),
    )
    done = connection.execute(
        exports.update()
        .where(exports.c.id == export_id, sa.or_(exports.c.state == ExportState.QUEUED, silent))
        .values(state=ExportState.RUNNING, hinted_at=NOW)
    )
    return done.rowcount > 0


def touch(connection: sa.Connection, export_id: UUID) -> None:
    """Say that the export is still being made."""
    connection.execute(exports.update().where(exports.c.id == export_id).values(hinted_at=NOW))


def finish(connection: sa.Connection, export_id: UUID, values: Mapping[str, object]) -> None:
    """Write how a running export ended."""
    connection.execute(
        exports.update()
        .where(exports.c.id == export_id, exports.c.state == ExportState.RUNNING)
        .values(**values, finished_at=NOW)
    )


def waiting(connection: sa.Connection, limit: int = 100) -> list[UUID]:
    """Exports that somebody should make."""
    silent = sa.and_(
        exports.c.state == ExportState.RUNNING,
        exports.c.hinted_at < NOW - sa.text("interval '10 minutes'"),
    )
    query = (
        sa.select(exports.c.id)
        .where(sa.or_(exports.c.state == ExportState.QUEUED, silent))
        .order_by(exports.c.id)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def ready_ids(connection: sa.Connection) -> frozenset[UUID]:
    """The exports that have their file."""
    query = sa.select(exports.c.id).where(exports.c.state == ExportState.READY)
    return frozenset(connection.execute(query).scalars())


def of_job(connection: sa.Connection, job_id: UUID) -> list[UUID]:
    """The exports of a job."""
    return list(
        connection.execute(sa.select(exports.c.id).where(exports.c.job_id == job_id)).scalars()
    )


def delete(connection: sa.Connection, export_id: UUID) -> bool:
    """Remove an export's record; False when there is none."""
    return connection.execute(exports.delete().where(exports.c.id == export_id)).rowcount > 0
