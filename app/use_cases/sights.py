"""What a page shows of jobs as they go, asked of the database in one statement each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.db import counts, jobs, rows, samples, teacher_batches, teachers, watching, workers
from app.db.together import Together
from app.domain.gates import Gate, merged
from app.domain.lifecycle import JobState
from app.domain.stored import JobProgress, Page, RowRecord, TeacherBatch, TeacherRecord
from app.domain.watching import JobStory
from app.errors import NotFound
from app.runtime import Runtime
from app.use_cases.jobs import progress_of

RATE_WINDOW_S = 60.0
NEWEST_ROWS, NEWEST_DROPS, NEWEST_BATCHES = 4, 6, 10


@dataclass(frozen=True, slots=True)
class JobSight:
    """One job; `rate` is rows a minute while it runs, `gate` None while nobody calls its teacher.

    `rows` are the newest accepted ones, `batches` the newest of a job that is delivered so.
    """

    progress: JobProgress
    rate: float | None
    story: JobStory
    gate: Gate | None
    teacher: TeacherRecord | None
    rows: Sequence[RowRecord]
    batches: Sequence[TeacherBatch]


@dataclass(frozen=True, slots=True)
class JobsSight:
    """A page of jobs, and the rows a minute of those that run."""

    page: Page[JobProgress]
    rates: Mapping[UUID, float]


def of_job(runtime: Runtime, job_id: UUID) -> JobSight:
    """One job as it stands; raises NotFound."""
    asked = Together()
    found = asked.add(jobs.one(job_id))
    counted = asked.add(counts.question([job_id]))
    earlier = asked.add(samples.before([job_id], window_s=RATE_WINDOW_S))
    now = asked.add(samples.TIME)
    taken = asked.add(samples.all_of(job_id))
    drops = asked.add(watching.drops_question(job_id, NEWEST_DROPS))
    troubles = asked.add(watching.troubles(job_id))
    gates = asked.add(workers.gates_question(runtime.settings.lease_s))
    teacher = asked.add(teachers.of_job(job_id))
    newest = asked.add(rows.newest_question(job_id, NEWEST_ROWS))
    batches = asked.add(teacher_batches.page_question(job_id, cursor=None, limit=NEWEST_BATCHES))
    with runtime.database.transaction() as connection:
        asked.ask(connection)
    job = found.value
    if job is None:
        raise NotFound(f"There is no job {job_id}.")
    progress = progress_of(job, counted.value.get(job_id, {}))
    return JobSight(
        progress=progress,
        rate=_rates([progress], earlier.value, now.value).get(job_id),
        story=JobStory(taken.value, drops.value, troubles.value, now.value),
        gate=merged(gates.value).get(str(job.teacher_id)),
        teacher=teacher.value,
        rows=newest.value,
        batches=batches.value.items,
    )


def of_jobs(
    runtime: Runtime, *, state: JobState | None, cursor: str | None, limit: int
) -> JobsSight:
    """A page of jobs with their counts, newest first; raises UnknownCursor."""
    asked = Together()
    listed = jobs.page_question(state=state, cursor=cursor, limit=limit)
    ids = jobs.ids_of(listed)
    found = asked.add(listed)
    counted = asked.add(counts.question(ids))
    earlier = asked.add(samples.before(ids, window_s=RATE_WINDOW_S))
    now = asked.add(samples.TIME)
    with runtime.database.transaction() as connection:
        asked.ask(connection)
    items = [progress_of(job, counted.value.get(job.id, {})) for job in found.value.items]
    return JobsSight(Page(items, found.value.next), _rates(items, earlier.value, now.value))


def _rates(
    found: Sequence[JobProgress], earlier: Mapping[UUID, tuple[int, float]], now: datetime
) -> Mapping[UUID, float]:
    """Accepted rows a minute, over the last one, of the jobs that run."""
    rates: dict[UUID, float] = {}
    for each in found:
        job = each.job
        began_s = (now - job.started_at).total_seconds() if job.started_at else 0.0
        accepted, age_s = earlier.get(job.id, (0, began_s))
        if job.state is JobState.RUNNING and age_s > 0:
            rates[job.id] = max(0.0, 60.0 * (each.accepted_rows - accepted) / age_s)
    return rates
