"""Queries about samples: how jobs stood every now and then."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.db.clock import NOW, seconds
from app.db.tables import job_samples, jobs
from app.db.together import Question, ask
from app.domain.watching import JobSample

_LOCK = 0x73616D706C65  # "sample"

# The longer a job runs, the farther apart: each gap is at most this share of its age.
_GAP_SHARE = 1 / 120

_TAKE = sa.text(
    """
    INSERT INTO job_samples
        (job_id, at, accepted, candidates, novel, dropped, calls, spent_micro_usd)
    SELECT jobs.id, clock_timestamp(), told.accepted, told.candidates, told.novel, told.dropped,
           jobs.calls, jobs.spent_micro_usd
    FROM jobs
    CROSS JOIN LATERAL (
        SELECT max(at) AS at FROM job_samples WHERE job_samples.job_id = jobs.id
    ) AS last
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(n) FILTER (WHERE family = 'row' AND name = 'accepted'), 0) AS accepted,
               coalesce(sum(n) FILTER (WHERE family = 'candidate' AND name <> 'proposed'), 0)
                   AS candidates,
               coalesce(sum(n) FILTER (WHERE family = 'candidate' AND name = 'novel'), 0) AS novel,
               coalesce(sum(n) FILTER (WHERE family = 'drop'), 0) AS dropped
        FROM job_counts WHERE job_counts.job_id = jobs.id
    ) AS told
    WHERE jobs.finished_at IS NULL AND jobs.state IN ('running', 'cancelling')
      AND jobs.started_at IS NOT NULL
      AND (last.at IS NULL OR clock_timestamp() - last.at > greatest(
               make_interval(secs => :least_s),
               (clock_timestamp() - jobs.started_at) * CAST(:share AS float)))
    """
)


def take(connection: sa.Connection, *, least_s: float) -> int:
    """Sample every running job whose last sample is old enough; 0 while another does it."""
    if not connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(_LOCK))).scalar():
        return 0
    return connection.execute(_TAKE, {"least_s": least_s, "share": _GAP_SHARE}).rowcount


def of_job(connection: sa.Connection, job_id: UUID) -> Sequence[JobSample]:
    """All samples of a job, oldest first; a month of running makes a thousand."""
    return ask(connection, all_of(job_id))


def all_of(job_id: UUID) -> Question[Sequence[JobSample]]:
    """All samples of a job, oldest first; a month of running makes a thousand."""
    columns = [job_samples.c[name] for name in JobSample.__slots__]
    query = sa.select(*columns).where(job_samples.c.job_id == job_id).order_by(job_samples.c.at)
    return Question(query, lambda rows: [JobSample(*row) for row in rows])


def before(
    job_ids: "Sequence[UUID] | sa.Select[Any]", *, window_s: float
) -> Question[Mapping[UUID, tuple[int, float]]]:
    """Of jobs their accepted rows as they were before the window, and how many seconds ago."""
    known = sa.select(jobs.c.id).where(jobs.c.id.in_(job_ids)).subquery("known")
    earlier = (
        sa.select(job_samples.c.accepted, job_samples.c.at)
        .where(job_samples.c.job_id == known.c.id, job_samples.c.at < NOW - seconds(window_s))
        .order_by(job_samples.c.at.desc())
        .limit(1)
        .lateral("earlier")
    )
    age_s = sa.cast(sa.func.extract("epoch", NOW - earlier.c.at), sa.Float)
    query = sa.select(known.c.id, earlier.c.accepted, age_s).join_from(known, earlier, sa.true())
    return Question(
        query, lambda rows: {job_id: (accepted, float(age)) for job_id, accepted, age in rows}
    )


def now(connection: sa.Connection) -> datetime:
    """The database's time, by which samples are taken."""
    return ask(connection, TIME)


TIME: Question[datetime] = Question(
    sa.select(sa.func.clock_timestamp(type_=sa.DateTime(timezone=True))), lambda rows: rows[0][0]
)
