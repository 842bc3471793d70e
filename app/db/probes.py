"""Queries about probes: which teachers are asked now and then whether they serve again."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.dialects.postgresql import insert as upsert

from app.db.call_tables import teacher_probes
from app.db.clock import NOW, seconds
from app.db.tables import jobs
from app.domain.lifecycle import Delivery, JobReason, JobState

_rests = (jobs.c.state == JobState.PAUSED, jobs.c.reason == JobReason.TEACHER_UNHEALTHY)


def put_off(connection: sa.Connection, job_id: UUID) -> None:
    """Let the teacher of a job that was just paused rest before it is probed."""
    teacher = sa.select(jobs.c.teacher_id, NOW).where(jobs.c.id == job_id)
    statement = upsert(teacher_probes).from_select(["teacher_id", "probed_at"], teacher)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["teacher_id"], set_={"probed_at": NOW})
    )


def take(connection: sa.Connection, teacher_id: UUID, *, every_s: float) -> bool:
    """Whether a teacher may be probed now; of all who ask at once, one hears yes."""
    done = connection.execute(
        teacher_probes.update()
        .where(teacher_probes.c.teacher_id == teacher_id, _is_due(every_s))
        .values(probed_at=NOW)
    )
    return done.rowcount > 0


def due(connection: sa.Connection, *, every_s: float) -> Sequence[UUID]:
    """One job of every teacher that should be probed, another one each time.

    A job whose calls go singly hears sooner than one that asks by a batch.
    """
    query = (
        sa.select(jobs.c.id)
        .ext(distinct_on(jobs.c.teacher_id))
        .join_from(jobs, teacher_probes, teacher_probes.c.teacher_id == jobs.c.teacher_id)
        .where(*_rests, _is_due(every_s))
        .order_by(jobs.c.teacher_id, jobs.c.delivery == Delivery.BATCH, sa.func.random())
    )
    return list(connection.execute(query).scalars())


def resting(connection: sa.Connection, teacher_id: UUID) -> Sequence[UUID]:
    """Jobs that are paused because this teacher did not serve, locked."""
    query = sa.select(jobs.c.id).where(jobs.c.teacher_id == teacher_id, *_rests)
    locked = query.order_by(jobs.c.id).with_for_update(key_share=True)
    return list(connection.execute(locked).scalars())


def _is_due(every_s: float) -> sa.ColumnElement[bool]:
    age = seconds(every_s)
    return teacher_probes.c.probed_at <= NOW - age
