"""One job as it goes: how far, how fast, at what cost, what it made and what it dropped."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response

from app.dashboard.charts import curves
from app.dashboard.context import RuntimeOfApp, page_router
from app.dashboard.live import BoardOfApp, Look, first_sight, polled
from app.dashboard.rendering import page, rendered
from app.dashboard.views import JobView, counted, funnel, job_view, poll_interval_s
from app.domain.lifecycle import Delivery
from app.domain.stored import Job, TeacherBatch, TeacherRecord
from app.runtime import Runtime
from app.use_cases import batches, jobs, rows, sampling, teachers, watching

NEWEST_ROWS = 4
NEWEST_BATCHES = 10
ROW_CHARACTERS = 280

router = page_router()


@dataclass(frozen=True, slots=True)
class JobLook(Look):
    """One job."""

    job_id: UUID

    def body(self, runtime: Runtime) -> bytes:
        """The job as it stands."""
        return rendered("job_fragment.html", **_job(runtime, self.job_id)).encode()

    def pulse(self, runtime: Runtime) -> str | None:
        """Of an ended job."""
        return watching.pulse_at_rest(runtime, self.job_id)


def _stored(runtime: RuntimeOfApp, job_id: UUID) -> Job:
    return jobs.get(runtime, job_id)


@router.get("/dashboard/jobs/{job_id}")
async def one_job(board: BoardOfApp, job: Annotated[Job, Depends(_stored)]) -> Response:
    """One job."""
    return page("job.html", **await first_sight(board, JobLook(job.id)), job=job)


@router.get("/dashboard/jobs/{job_id}/fragment")
async def one_job_fragment(request: Request, board: BoardOfApp, job_id: UUID) -> Response:
    """The part of the job's page that changes."""
    return await polled(request, board, JobLook(job_id))


def _job(runtime: Runtime, job_id: UUID) -> dict[str, object]:
    progress = jobs.progress(runtime, job_id)
    rate = sampling.rows_per_minute(runtime, [progress]).get(job_id)
    view = job_view(progress, rate)
    story = sampling.story(runtime, progress)
    return {
        "job": view,
        "calls": progress.calls,
        "gate": watching.gate(runtime, progress.job.teacher_id),
        "teacher": _teacher(runtime, progress.job.teacher_id),
        "funnel": funnel(progress),
        "drops": counted(progress.drops),
        "errors": counted(progress.errors),
        "troubles": story.troubles,
        "curves": curves(progress, story),
        "batches": _batches(runtime, view),
        "rows": rows.newest(runtime, job_id, limit=NEWEST_ROWS),
        "dropped": story.drops,
        "row_characters": ROW_CHARACTERS,
        "poll_s": poll_interval_s((view,)),
    }


def _teacher(runtime: Runtime, teacher_id: UUID | None) -> TeacherRecord | None:
    return None if teacher_id is None else teachers.get(runtime, teacher_id)


def _batches(runtime: Runtime, view: JobView) -> Sequence[TeacherBatch]:
    """The newest batches of a job that is delivered so."""
    if view.delivery != Delivery.BATCH:
        return ()
    return batches.page(runtime, view.id, limit=NEWEST_BATCHES).items
