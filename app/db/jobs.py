"""Queries about jobs; every move of state is a conditional UPDATE that writes its event."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.db.clock import NOW, seconds
from app.db.paging import newest_first
from app.db.tables import job_events, jobs
from app.db.together import Question, ask
from app.domain.lifecycle import FINAL_JOB_STATES, Delivery, JobState, sources_of
from app.domain.reuse import Reuse
from app.domain.stored import Job, JobEvent, Page

_hidden = {"hinted_at", "embedder_failures", "embedder_not_before"}


def _job(row: Mapping[str, Any]) -> Job:
    values = {name: value for name, value in row.items() if name not in _hidden}
    known = {
        "state": JobState(values["state"]),
        "delivery": Delivery(values["delivery"]),
        "reuse": Reuse(values["reuse"]),
    }
    return Job(**{**values, **known})


def insert(connection: sa.Connection, values: Mapping[str, object]) -> None:
    """Store a queued job with its first event."""
    connection.execute(jobs.insert().values(**values))
    _event(connection, _uuid(values["id"]), None, JobState.QUEUED, None, None)


def _uuid(value: object) -> UUID:
    return value if isinstance(value, UUID) else UUID(str(value))


def get(connection: sa.Connection, job_id: UUID) -> Job | None:
    """One job, or None."""
    return ask(connection, one(job_id))


def one(job_id: UUID) -> Question[Job | None]:
    """One job, or None."""
    query = sa.select(jobs).where(jobs.c.id == job_id)
    return Question(query, lambda rows: _job(rows[0]._asdict()) if rows else None)


def lock(connection: sa.Connection, job_id: UUID) -> Job | None:
    """One job, locked until the transaction ends; None when there is none."""
    query = sa.select(jobs).where(jobs.c.id == job_id).with_for_update(key_share=True)
    row = connection.execute(query).first()
    return _job(row._asdict()) if row else None


def page(
    connection: sa.Connection, *, state: JobState | None, cursor: str | None, limit: int
) -> Page[Job]:
    """Jobs, newest first."""
    return ask(connection, page_question(state=state, cursor=cursor, limit=limit))


def page_question(*, state: JobState | None, cursor: str | None, limit: int) -> Question[Page[Job]]:
    """Jobs, newest first; raises UnknownCursor."""
    query = sa.select(jobs)
    if state is not None:
        query = query.where(jobs.c.state == state)
    return newest_first(query, jobs.c.id, _job, kind="jobs", cursor=cursor, limit=limit)


def ids_of(asked: Question[Page[Job]]) -> "sa.Select[*tuple[Any, ...]]":
    """The ids of a page of jobs and of the one behind it, for what else is asked of them."""
    return sa.select(asked.query.subquery().c.id)


def move(
    connection: sa.Connection,
    job_id: UUID,
    target: JobState,
    *,
    reason: str | None = None,
    detail: str | None = None,
    only_from: Collection[JobState] | None = None,
) -> bool:
    """Move a job if the life cycle allows it from where it stands; False when it does not."""
    allowed = sources_of(target) if only_from is None else only_from
    current = sa.select(jobs.c.state).where(jobs.c.id == job_id).with_for_update(key_share=True)
    before = connection.execute(current).scalar()
    if before not in allowed:
        return False
    values: dict[str, object] = {
        "state": target,
        "reason": reason,
        "detail": detail,
        "updated_at": NOW,
        "finished_at": NOW if target in FINAL_JOB_STATES else None,
    }
    if target is JobState.RUNNING:
        values["started_at"] = sa.func.coalesce(jobs.c.started_at, NOW)
    connection.execute(
        jobs.update().where(jobs.c.id == job_id, jobs.c.state == before).values(**values)
    )
    _event(connection, job_id, before, target, reason, detail)
    return True


def _event(
    connection: sa.Connection,
    job_id: UUID,
    before: str | None,
    after: str,
    reason: str | None,
    detail: str | None,
) -> None:
    values = {"job_id": job_id, "from_state": before, "to_state": after}
    connection.execute(job_events.insert().values(**values, reason=reason, detail=detail))


def hold(connection: sa.Connection, job_id: UUID, reason: str) -> None:
    """Give a paused job another reason to be paused, as a move of its own."""
    connection.execute(
        jobs.update()
        .where(jobs.c.id == job_id, jobs.c.state == JobState.PAUSED)
        .values(reason=reason, updated_at=NOW)
    )
    _event(connection, job_id, JobState.PAUSED, JobState.PAUSED, reason, None)


def errand(connection: sa.Connection, job_id: UUID) -> str | None:
    """What a job that had ended runs again for; None for whatever it needs to be complete."""
    return _last_reason(connection, job_id, job_events.c.from_state)


def ended_for(connection: sa.Connection, job_id: UUID) -> str | None:
    """Why a job ended the last time; None when it never did."""
    return _last_reason(connection, job_id, job_events.c.to_state)


def _last_reason(
    connection: sa.Connection, job_id: UUID, column: sa.ColumnElement[str]
) -> str | None:
    query = (
        sa.select(job_events.c.reason)
        .where(job_events.c.job_id == job_id, column == JobState.SUCCEEDED)
        .order_by(job_events.c.id.desc())
        .limit(1)
    )
    return connection.execute(query).scalar()


def events(connection: sa.Connection, job_id: UUID) -> Sequence[JobEvent]:
    """The moves of a job, oldest first (a job makes few)."""
    columns = [job_events.c[name] for name in JobEvent.__slots__]
    query = sa.select(*columns).where(job_events.c.job_id == job_id).order_by(job_events.c.id)
    return [JobEvent(**row._asdict()) for row in connection.execute(query.limit(1000))]


def add(connection: sa.Connection, job_id: UUID, **deltas: int) -> None:
    """Add to numeric columns: reserved_micro_usd, spent_micro_usd, calls, next_propose, ..."""
    changed = {name: jobs.c[name] + delta for name, delta in deltas.items() if delta}
    connection.execute(jobs.update().where(jobs.c.id == job_id).values(**changed, updated_at=NOW))


def embedder_pause(connection: sa.Connection, job_id: UUID) -> tuple[int, float]:
    """(rounds of embedding calls that failed in a row, seconds until the next may begin)."""
    left = sa.func.extract("epoch", sa.func.coalesce(jobs.c.embedder_not_before, NOW) - NOW)
    row = connection.execute(
        sa.select(jobs.c.embedder_failures, left).where(jobs.c.id == job_id)
    ).one()
    return row[0], max(0.0, float(row[1]))


def set_embedder_pause(
    connection: sa.Connection, job_id: UUID, *, failures: int, wait_s: float
) -> None:
    """Keep how often the embedder failed in a row, and let it rest for `wait_s`."""
    until = NOW + seconds(wait_s) if wait_s else sa.null()
    connection.execute(
        jobs.update()
        .where(jobs.c.id == job_id)
        .values(embedder_failures=failures, embedder_not_before=until)
    )


def change(connection: sa.Connection, job_id: UUID, values: Mapping[str, object]) -> None:
    """Change settings of a job: caps, target, name."""
    connection.execute(jobs.update().where(jobs.c.id == job_id).values(**values, updated_at=NOW))


_LIVE = [JobState.QUEUED, JobState.RUNNING, JobState.CANCELLING]


def live(connection: sa.Connection, limit: int = 1000) -> list[UUID]:
    """Jobs that need a worker."""
    query = sa.select(jobs.c.id).where(jobs.c.finished_at.is_(None), jobs.c.state.in_(_LIVE))
    return list(connection.execute(query.limit(limit)).scalars())


def to_wake(connection: sa.Connection, *, older_than_s: float, limit: int = 100) -> list[UUID]:
    """Live jobs that nobody was told about lately; marks them as told."""
    stale = sa.or_(
        jobs.c.hinted_at.is_(None),
        jobs.c.hinted_at
        < NOW - sa.text("make_interval(secs => :age)").bindparams(age=older_than_s),
    )
    chosen = (
        sa.select(jobs.c.id)
        .where(jobs.c.state.in_(_LIVE), stale)
        # Who waits longest first, so that many jobs do not keep others from their turn.
        .order_by(jobs.c.hinted_at.nulls_first(), jobs.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    update = jobs.update().where(jobs.c.id.in_(chosen.scalar_subquery()))
    result = connection.execute(update.values(hinted_at=NOW).returning(jobs.c.id))
    return list(result.scalars())


def delete(connection: sa.Connection, job_id: UUID) -> bool:
    """Remove a job with everything that belongs to it; False when there is none."""
    return connection.execute(jobs.delete().where(jobs.c.id == job_id)).rowcount > 0
