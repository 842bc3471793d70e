"""One job as it goes: how far, how fast, at what cost, what it made and what it dropped."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response

from app.dashboard.charts import curves
from app.dashboard.context import RuntimeOfApp, page_router
from app.dashboard.live import BoardOfApp, Look, first_sight, polled
from app.dashboard.rendering import page, rendered
from app.dashboard.views import counted, funnel, job_view, poll_interval_s
from app.domain.stored import Job
from app.runtime import Runtime
from app.use_cases import jobs, sights

ROW_CHARACTERS = 280

router = page_router()


@dataclass(frozen=True, slots=True)
class JobLook(Look):
    """One job."""

    job_id: UUID

    def body(self, runtime: Runtime) -> bytes:
        """The job as it stands."""
        return rendered("job_fragment.html", **_job(runtime, self.job_id)).encode()


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
    sight = sights.of_job(runtime, job_id)
    view = job_view(sight.progress, sight.rate)
    return {
        "job": view,
        "calls": sight.progress.calls,
        "gate": sight.gate,
        "teacher": sight.teacher,
        "funnel": funnel(sight.progress),
        "drops": counted(sight.progress.drops),
        "errors": counted(sight.progress.errors),
        "troubles": sight.story.troubles,
        "curves": curves(sight.progress, sight.story),
        "batches": sight.batches,
        "rows": sight.rows,
        "dropped": sight.story.drops,
        "row_characters": ROW_CHARACTERS,
        "poll_s": poll_interval_s((view,)),
    }
