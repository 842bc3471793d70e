"""Queries about training runs; a worker writes only while the attempt is still its own."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.db.paging import decode_cursor, encode_cursor
from app.db.seed_sets import cursor_id
from app.db.tables import training_runs as runs
from app.domain.lifecycle import StopMode, TrainingState
from app.domain.stored import Page, TrainingRecord

_columns = [runs.c[name] for name in TrainingRecord.__slots__]
_now = sa.func.clock_timestamp()
_held = (TrainingState.RUNNING, TrainingState.STOPPING)


def _record(values: Mapping[str, Any]) -> TrainingRecord:
    mode = values["stop_mode"]
    state = TrainingState(values["state"])
    return TrainingRecord(**{**values, "state": state, "stop_mode": mode and StopMode(mode)})


def _until(lease_s: float) -> sa.ColumnElement[Any]:
    return _now + sa.func.make_interval(0, 0, 0, 0, 0, 0, lease_s)


def insert(connection: sa.Connection, values: Mapping[str, object]) -> None:
    """Store a queued run."""
    connection.execute(runs.insert().values(**values))


def get(connection: sa.Connection, run_id: UUID) -> TrainingRecord | None:
    """One run, or None."""
    row = connection.execute(sa.select(*_columns).where(runs.c.id == run_id)).first()
    return _record(row._asdict()) if row else None


def page(connection: sa.Connection, *, cursor: str | None, limit: int) -> Page[TrainingRecord]:
    """Runs, newest first."""
    query = sa.select(*_columns).order_by(runs.c.id.desc()).limit(limit + 1)
    after = decode_cursor("training_runs", cursor, 1)
    if after is not None:
        query = query.where(runs.c.id < cursor_id(after[0]))
    found = [_record(row._asdict()) for row in connection.execute(query)]
    more = len(found) > limit
    next_ = encode_cursor("training_runs", [str(found[limit - 1].id)]) if more else None
    return Page(found[:limit], next_)


def of_job(connection: sa.Connection, job_id: UUID) -> list[UUID]:
    """The runs that hold rows of a job."""
    query = sa.select(runs.c.id).where(runs.c.job_id == job_id).order_by(runs.c.id)
    return list(connection.execute(query).scalars())


def all_ids(connection: sa.Connection) -> frozenset[UUID]:
    """Every run."""
    return frozenset(connection.execute(sa.select(runs.c.id)).scalars())


def claim(connection: sa.Connection, run_id: UUID, *, worker: str, lease_s: float) -> int | None:
    """Take a queued run, or a running one whose worker is lost; the number of the attempt."""
    running_lost = sa.and_(runs.c.state == TrainingState.RUNNING, runs.c.leased_until < _now)
    return connection.execute(
        runs.update()
        .where(runs.c.id == run_id, sa.or_(runs.c.state == TrainingState.QUEUED, running_lost))
        .values(
            state=TrainingState.RUNNING,
            attempt=runs.c.attempt + 1,
            lost=sa.case((runs.c.state == TrainingState.RUNNING, runs.c.lost + 1), else_=0),
            worker=worker,
            leased_until=_until(lease_s),
            started_at=sa.func.coalesce(runs.c.started_at, _now),
        )
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
    values = {"leased_until": _until(lease_s)}
    if told:
        values |= {"progress": dict(told), "phase": told.get("phase")}
    row = connection.execute(
        runs.update().where(*_own(run_id, attempt)).values(**values).returning(*_columns)
    ).first()
    return _record(row._asdict()) if row else None


def finish(
    connection: sa.Connection,
    run_id: UUID,
    attempt: int,
    state: TrainingState,
    values: Mapping[str, object],
) -> bool:
    """Write how an attempt ended; False when the run is no longer its own.

    It is queued again only while nobody asked for a stop; if somebody did, the sweep ends it.
    """
    ended, own = _now, _own(run_id, attempt)
    if state is TrainingState.QUEUED:
        ended, own = None, (*own, runs.c.state == TrainingState.RUNNING)
    done = connection.execute(
        runs.update()
        .where(*own)
        .values(**values, state=state, finished_at=ended, leased_until=None)
    )
    return done.rowcount > 0


def move(
    connection: sa.Connection,
    run_id: UUID,
    start: TrainingState,
    end: TrainingState,
    **values: object,
) -> bool:
    """Move a run from one state to another; False when it stands elsewhere."""
    done = connection.execute(
        runs.update().where(runs.c.id == run_id, runs.c.state == start).values(state=end, **values)
    )
    return done.rowcount > 0


def waiting(connection: sa.Connection, limit: int = 100) -> list[UUID]:
    """Runs that a worker should take."""
    running_lost = sa.and_(runs.c.state == TrainingState.RUNNING, runs.c.leased_until < _now)
    query = (
        sa.select(runs.c.id)
        .where(sa.or_(runs.c.state == TrainingState.QUEUED, running_lost))
        .order_by(runs.c.id)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def close_lost_stops(connection: sa.Connection) -> int:
    """End runs that were being stopped when their worker was lost: what was asked for is done."""
    saved = sa.case(
        (runs.c.stop_mode == StopMode.SAVE, str(TrainingState.STOPPED)),
        else_=str(TrainingState.CANCELLED),
    )
    done = connection.execute(
        runs.update()
        .where(runs.c.state == TrainingState.STOPPING, runs.c.leased_until < _now)
        .values(state=saved, finished_at=_now, leased_until=None)
    )
    return done.rowcount


def delete(connection: sa.Connection, run_id: UUID) -> bool:
    """Remove a run that nobody holds; False when somebody does, or when there is none."""
    done = connection.execute(runs.delete().where(runs.c.id == run_id, runs.c.state.not_in(_held)))
    return done.rowcount > 0


def _own(run_id: UUID, attempt: int) -> tuple[sa.ColumnElement[bool], ...]:
    return runs.c.id == run_id, runs.c.attempt == attempt, runs.c.state.in_(_held)
