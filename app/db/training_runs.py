"""Queries about training runs; a worker writes only while the attempt is still its own."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.db import leases
from app.db.paging import newest_first
from app.db.tables import training_runs as runs
from app.db.together import ask
from app.domain.lifecycle import StopMode, TrainingState
from app.domain.stored import Page, TrainingRecord

_columns = [runs.c[name] for name in TrainingRecord.__slots__]


def _record(values: Mapping[str, Any]) -> TrainingRecord:
    mode = values["stop_mode"]
    state = TrainingState(values["state"])
    return TrainingRecord(**{**values, "state": state, "stop_mode": mode and StopMode(mode)})


def insert(connection: sa.Connection, values: Mapping[str, object]) -> None:
    """Store a queued run."""
    connection.execute(runs.insert().values(**values))


def get(connection: sa.Connection, run_id: UUID) -> TrainingRecord | None:
    """One run, or None."""
    row = connection.execute(sa.select(*_columns).where(runs.c.id == run_id)).first()
    return _record(row._asdict()) if row else None


def page(connection: sa.Connection, *, cursor: str | None, limit: int) -> Page[TrainingRecord]:
    """Runs, newest first."""
    asked = newest_first(
        sa.select(*_columns), runs.c.id, _record, kind="training_runs", cursor=cursor, limit=limit
    )
    return ask(connection, asked)


def of_job(connection: sa.Connection, job_id: UUID) -> list[UUID]:
    """The runs that hold rows of a job."""
    query = sa.select(runs.c.id).where(runs.c.job_id == job_id).order_by(runs.c.id)
    return list(connection.execute(query).scalars())


def all_ids(connection: sa.Connection) -> frozenset[UUID]:
    """Every run."""
    return frozenset(connection.execute(sa.select(runs.c.id)).scalars())


def claim(connection: sa.Connection, run_id: UUID, *, worker: str, lease_s: float) -> int | None:
    """Take a queued run, or a running one whose worker is lost; the number of the attempt."""
    lost = sa.case((runs.c.state == TrainingState.RUNNING, runs.c.lost + 1), else_=0)
    return connection.execute(
        runs.update()
        .where(runs.c.id == run_id, leases.ready(runs))
        .values({**leases.claimed(runs, lease_s), "lost": lost, "worker": worker})
        .returning(runs.c.attempt)
    ).scalar()


def renew(
    connection: sa.Connection,
    run_id: UUID,
    attempt: int,
    *,
    lease_s: float,
    told: Mapping[str, object],
) -> TrainingRecord | None:
    """Prolong the lease and note what was told; None when the run is no longer this attempt's."""
    values: dict[str, object] = {"leased_until": leases.until(lease_s)}
    if told:
        values |= {"progress": dict(told), "phase": told.get("phase")}
    here = leases.own(runs, run_id, attempt)
    row = connection.execute(
        runs.update().where(*here).values(**values).returning(*_columns)
    ).first()
    return _record(row._asdict()) if row else None


def finish(
    connection: sa.Connection,
    run_id: UUID,
    attempt: int,
    state: TrainingState,
    values: Mapping[str, object],
) -> bool:
    """See `app.db.leases`."""
    return leases.finish(connection, runs, run_id, attempt, state, dict(values))


def move(
    connection: sa.Connection,
    run_id: UUID,
    start: TrainingState,
    end: TrainingState,
    **values: object,
) -> bool:
    """Move a run from one state to another; False when it stands elsewhere."""
    return leases.move(connection, runs, run_id, start, end, values)


def waiting(connection: sa.Connection, limit: int = 100) -> list[UUID]:
    """Runs that a worker should take."""
    return leases.waiting(connection, runs, limit)


def close_lost_stops(connection: sa.Connection) -> int:
    """End runs that were being stopped when their worker was lost: what was asked for is done."""
    asked = sa.case(
        (runs.c.stop_mode == StopMode.SAVE, str(TrainingState.STOPPED)),
        else_=str(TrainingState.CANCELLED),
    )
    return leases.close_lost_stops(connection, runs, asked)


def delete(connection: sa.Connection, run_id: UUID) -> bool:
    """Remove a run that nobody holds; False when somebody does, or when there is none."""
    return leases.delete(connection, runs, run_id)
