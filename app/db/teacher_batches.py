"""Queries about batches of calls: who takes the next step with one, and every move of its state."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.db.call_tables import slots, teacher_batches
from app.db.clock import NOW, seconds
from app.db.paging import newest_first
from app.db.tables import workers
from app.db.together import Question, ask
from app.domain.lifecycle import BATCH_MOVES, LIVE_BATCH_STATES, BatchState, SlotState
from app.domain.stored import Page, TeacherBatch

_columns = [teacher_batches.c[name] for name in TeacherBatch.__slots__]
_live = teacher_batches.c.ended_at.is_(None)


def _batch(row: Mapping[str, Any]) -> TeacherBatch:
    return TeacherBatch(**{**row, "state": BatchState(row["state"])})


def insert(connection: sa.Connection, values: Mapping[str, object]) -> None:
    """Store a claimed batch, due at once."""
    state = {"state": BatchState.CLAIMED, "next_step_at": NOW}
    connection.execute(teacher_batches.insert().values(**values, **state))


def get(connection: sa.Connection, batch_id: UUID) -> TeacherBatch | None:
    """One batch, or None."""
    row = connection.execute(sa.select(*_columns).where(teacher_batches.c.id == batch_id)).first()
    return _batch(row._asdict()) if row else None


def take_due(
    connection: sa.Connection, job_id: UUID, worker_id: UUID, *, lease_s: float, cancelling: bool
) -> TeacherBatch | None:
    """Take the next step of a batch of the job; None when none is due or others are at it.

    Whoever takes it keeps it until `move` or `postpone`, or until its heartbeat stops. With
    `cancelling` one that runs is due whatever its time: it is to be cancelled.
    """
    alive = sa.exists().where(
        workers.c.id == teacher_batches.c.worker_id,
        workers.c.id != worker_id,
        workers.c.heartbeat_at >= NOW - seconds(lease_s),
    )
    due = teacher_batches.c.next_step_at <= NOW
    if cancelling:
        due = sa.or_(due, teacher_batches.c.state == BatchState.RUNNING)
    chosen = (
        sa.select(teacher_batches.c.id)
        .where(teacher_batches.c.job_id == job_id, _live, due, sa.not_(alive))
        .order_by(teacher_batches.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    taken = (
        teacher_batches.update()
        .where(teacher_batches.c.id == chosen.scalar_subquery())
        .values(worker_id=worker_id)
        .returning(*_columns)
    )
    row = connection.execute(taken).first()
    return _batch(row._asdict()) if row else None


def move(
    connection: sa.Connection,
    batch: TeacherBatch,
    worker_id: UUID,
    target: BatchState,
    *,
    wait_s: float = 0.0,
    keep: bool = False,
    **values: object,
) -> bool:
    """Move a batch that this worker has taken; False when another one has it by now.

    With `keep` the worker goes on with it, else it is anybody's after `wait_s`.
    """
    if target not in BATCH_MOVES[batch.state]:
        raise ValueError(f"a batch that is {batch.state} cannot become {target}")
    ends = target not in LIVE_BATCH_STATES
    written: dict[str, object] = {
        "state": target,
        "tries": 0,
        "polls": 0,
        "next_step_at": None if ends else NOW + seconds(wait_s),
        "ended_at": NOW if ends else None,
        **values,
    }
    if target is BatchState.RUNNING:
        written["submitted_at"] = NOW
    return _write(connection, batch, worker_id, written, keep=keep)


def postpone(
    connection: sa.Connection,
    batch: TeacherBatch,
    worker_id: UUID,
    *,
    wait_s: float,
    **values: object,
) -> bool:
    """Leave a batch as it stands for so many seconds; False when another one has it by now."""
    return _write(
        connection, batch, worker_id, {"next_step_at": NOW + seconds(wait_s), **values}, keep=False
    )


def _write(
    connection: sa.Connection,
    batch: TeacherBatch,
    worker_id: UUID,
    values: Mapping[str, object],
    *,
    keep: bool,
) -> bool:
    holder = {} if keep else {"worker_id": None}
    done = connection.execute(
        teacher_batches.update()
        .where(
            teacher_batches.c.id == batch.id,
            teacher_batches.c.state == batch.state,
            teacher_batches.c.worker_id == worker_id,
        )
        .values(**values, **holder)
    )
    return done.rowcount > 0


def count_live(
    connection: sa.Connection, *, job_id: UUID | None = None, teacher_id: UUID | None = None
) -> int:
    """Batches that are not over yet, of a job or of a teacher."""
    query = sa.select(sa.func.count()).select_from(teacher_batches).where(_live)
    if job_id is not None:
        query = query.where(teacher_batches.c.job_id == job_id)
    if teacher_id is not None:
        query = query.where(teacher_batches.c.teacher_id == teacher_id)
    return connection.execute(query).scalar_one()


def jobs_due(connection: sa.Connection, *, limit: int = 100) -> list[UUID]:
    """Jobs with a batch whose next step is due, the longest waiting first."""
    query = (
        sa.select(teacher_batches.c.job_id)
        .where(_live, teacher_batches.c.next_step_at <= NOW)
        .group_by(teacher_batches.c.job_id)
        .order_by(sa.func.min(teacher_batches.c.next_step_at))
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def has_calls_that_wait(connection: sa.Connection, job_id: UUID) -> bool:
    """Whether calls of the job are ready but for their time."""
    query = sa.select(
        sa.exists().where(
            slots.c.job_id == job_id, slots.c.state == SlotState.READY, slots.c.not_before > NOW
        )
    )
    return bool(connection.execute(query).scalar())


def live(connection: sa.Connection, job_id: UUID) -> Sequence[TeacherBatch]:
    """The batches of a job that are not over yet, oldest first."""
    query = sa.select(*_columns).where(teacher_batches.c.job_id == job_id, _live)
    found = connection.execute(query.order_by(teacher_batches.c.id))
    return [_batch(row._asdict()) for row in found]


def page(
    connection: sa.Connection, job_id: UUID, *, cursor: str | None, limit: int
) -> Page[TeacherBatch]:
    """The batches of a job, newest first."""
    return ask(connection, page_question(job_id, cursor=cursor, limit=limit))


def page_question(job_id: UUID, *, cursor: str | None, limit: int) -> Question[Page[TeacherBatch]]:
    """The batches of a job, newest first; raises UnknownCursor."""
    return newest_first(
        sa.select(*_columns).where(teacher_batches.c.job_id == job_id),
        teacher_batches.c.id,
        _batch,
        kind="batches",
        cursor=cursor,
        limit=limit,
    )
