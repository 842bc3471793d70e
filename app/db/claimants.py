"""Queries about who divides a teacher's concurrency: workers and the jobs that they drive."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as upsert

from app.db.call_tables import claimants
from app.db.clock import NOW, seconds
from app.db.tables import jobs
from app.domain.lifecycle import JobState

FRESH_S = 5.0


@dataclass(frozen=True, slots=True)
class Claimant:
    """One worker that drives one job; `hungry` if it has more to ask than it is allowed to."""

    worker_id: UUID
    job_id: UUID
    hungry: bool


def of_teacher(connection: sa.Connection, teacher_id: UUID) -> Sequence[Claimant]:
    """Everyone heard of in the last seconds."""
    fresh = claimants.c.seen_at >= NOW - seconds(FRESH_S)
    columns = (claimants.c.worker_id, claimants.c.job_id, claimants.c.hungry)
    query = sa.select(*columns).where(claimants.c.teacher_id == teacher_id, fresh)
    return [Claimant(*row) for row in connection.execute(query)]


def tell(connection: sa.Connection, teacher_id: UUID, claimant: Claimant) -> None:
    """Say how a claimant stands."""
    values = {
        "job_id": claimant.job_id,
        "worker_id": claimant.worker_id,
        "teacher_id": teacher_id,
        "hungry": claimant.hungry,
    }
    statement = upsert(claimants).values(**values, seen_at=NOW)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["job_id", "worker_id"],
            set_={"teacher_id": teacher_id, "hungry": claimant.hungry, "seen_at": NOW},
        )
    )


def undriven(connection: sa.Connection, *, silent_s: float, limit: int = 100) -> Sequence[UUID]:
    """Live jobs that nobody has driven for `silent_s`, the oldest first."""
    age = seconds(silent_s)
    driven = sa.exists().where(claimants.c.job_id == jobs.c.id, claimants.c.seen_at >= NOW - age)
    live = jobs.c.state.in_([JobState.QUEUED, JobState.RUNNING, JobState.CANCELLING])
    query = sa.select(jobs.c.id).where(live, sa.not_(driven)).order_by(jobs.c.id).limit(limit)
    return list(connection.execute(query).scalars())


def leave(connection: sa.Connection, worker_id: UUID, job_id: UUID) -> None:
    """Forget a claimant that asks no more."""
    connection.execute(
        claimants.delete().where(claimants.c.worker_id == worker_id, claimants.c.job_id == job_id)
    )


def forget_silent(connection: sa.Connection, *, silent_s: float) -> None:
    """Forget those not heard of for `silent_s`."""
    age = seconds(silent_s)
    connection.execute(claimants.delete().where(claimants.c.seen_at < NOW - age))
