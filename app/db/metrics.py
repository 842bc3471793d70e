"""What a scrape of the metrics asks of the database: sums over small tables and partial indexes."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as upsert

from app.db.call_tables import slots
from app.db.clock import NOW
from app.db.ids import NO_TEACHER
from app.db.tables import candidates, exports, job_counts, jobs, past_counts, teachers
from app.domain.lifecycle import CandidateState, ExportState, JobState, SlotState

TOTAL = "total"
# Under this are counted the jobs that make no calls.
_teacher: "sa.ColumnElement[UUID]" = sa.func.coalesce(
    jobs.c.teacher_id, sa.literal_column(f"'{NO_TEACHER}'::uuid")
).label("teacher_id")


class CountKey(NamedTuple):
    """A counter: of which teacher's jobs, its family and its name."""

    teacher_id: UUID
    family: str
    name: str


class JobSum(NamedTuple):
    """Jobs of one teacher in one state, and their money in micro-USD."""

    teacher_id: UUID
    state: str
    jobs: int
    spent: int
    reserved: int
    cap: int


class Waits(NamedTuple):
    """Seconds since the oldest thing that nobody has taken up; None where nothing waits."""

    slot: float | None
    candidate: float | None
    export: float | None


def retire(connection: sa.Connection, job_id: UUID) -> None:
    """Keep what a job's counters came to, before it is deleted."""
    counted = (
        sa.select(_teacher, job_counts.c.family, job_counts.c.name, job_counts.c.n)
        .join_from(job_counts, jobs)
        .where(jobs.c.id == job_id)
    )
    spent = sa.select(
        _teacher, sa.literal(TOTAL), sa.literal("spent_micro_usd"), jobs.c.spent_micro_usd
    ).where(jobs.c.id == job_id)
    _keep(connection, counted)
    _keep(connection, spent)


def _keep(connection: sa.Connection, counted: Any) -> None:
    statement = upsert(past_counts).from_select(["teacher_id", "family", "name", "n"], counted)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["teacher_id", "family", "name"],
            set_={"n": past_counts.c.n + statement.excluded.n},
        )
    )


def totals(connection: sa.Connection) -> Mapping[CountKey, int]:
    """Every counter, summed over the jobs of a teacher, those included that were deleted."""
    living = sa.select(_teacher, job_counts.c.family, job_counts.c.name, job_counts.c.n).join_from(
        job_counts, jobs
    )
    past = sa.select(
        past_counts.c.teacher_id, past_counts.c.family, past_counts.c.name, past_counts.c.n
    )
    both = sa.union_all(living, past).subquery()
    key = (both.c.teacher_id, both.c.family, both.c.name)
    query = sa.select(*key, sa.func.sum(both.c.n)).group_by(*key)
    return {CountKey(*found): int(n) for *found, n in connection.execute(query)}


def job_sums(connection: sa.Connection) -> list[JobSum]:
    """Jobs by teacher and state."""
    query = sa.select(
        _teacher,
        jobs.c.state,
        sa.func.count(),
        _sum(jobs.c.spent_micro_usd),
        _sum(jobs.c.reserved_micro_usd),
        _sum(jobs.c.cap_micro_usd),
    ).group_by(_teacher, jobs.c.state)
    return [
        JobSum(teacher_id, state, count, int(spent), int(reserved), int(cap))
        for teacher_id, state, count, spent, reserved, cap in connection.execute(query)
    ]


def _sum(column: "sa.Column[Any]") -> sa.ColumnElement[Any]:
    return sa.func.coalesce(sa.func.sum(column), 0)


def names(connection: sa.Connection) -> Mapping[UUID, str]:
    """What each teacher is called, and what stands for none."""
    query = sa.select(teachers.c.id, teachers.c.name)
    found = {teacher_id: name for teacher_id, name in connection.execute(query)}
    return {NO_TEACHER: "none", **found}


def waits(connection: sa.Connection) -> Waits:
    """How long the oldest of what waits has waited, for running jobs and for exports."""
    running = jobs.c.state == JobState.RUNNING
    due_at = sa.func.greatest(slots.c.not_before, slots.c.updated_at)  # NULLs are passed over
    slot = (
        sa.select(sa.func.min(due_at))
        .join_from(slots, jobs, slots.c.job_id == jobs.c.id)
        .where(running, slots.c.state == SlotState.READY, due_at <= NOW)
    )
    candidate = (
        sa.select(sa.func.min(candidates.c.created_at))
        .join_from(candidates, jobs, candidates.c.job_id == jobs.c.id)
        .where(running, candidates.c.state == CandidateState.PROPOSED)
    )
    export = sa.select(sa.func.min(exports.c.created_at)).where(
        exports.c.state == ExportState.QUEUED
    )
    ages = [
        sa.func.extract("epoch", NOW - oldest.scalar_subquery())
        for oldest in (slot, candidate, export)
    ]
    row = connection.execute(sa.select(*ages)).one()
    return Waits(*(None if age is None else float(age) for age in row))
