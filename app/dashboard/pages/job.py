"""One job as it goes: how far, how fast, at what cost, what it made and what it dropped."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response

from app.dashboard.context import RuntimeOfApp, page_router
from app.dashboard.live import BoardOfApp, first_sight, polled
from app.dashboard.rendering import page, rendered
from app.dashboard.views import JobView, counted, funnel, job_view, poll_interval_s
from app.domain.lifecycle import Delivery, SlotState
from app.domain.stored import CallRecord, Job, TeacherBatch
from app.runtime import Runtime
from app.use_cases import batches, jobs, rows, watching

NEWEST_ROWS = 8
NEWEST_BATCHES = 10
FAILED_CALLS = 5
ROW_CHARACTERS = 600

router = page_router()


@dataclass(frozen=True, slots=True)
class JobLook:
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
    progress = jobs.progress(runtime, job_id)
    view = job_view(progress)
    return {
        "job": view,
        "calls": progress.calls,
        "gate": watching.gate(runtime, progress.job.teacher_id),
        "funnel": funnel(progress),
        "drops": counted(progress.drops),
        "errors": counted(progress.errors),
        "batches": _batches(runtime, view),
        "failed": _failed(runtime, job_id) if progress.calls["failed"] else (),
        "rows": rows.newest(runtime, job_id, limit=NEWEST_ROWS),
        "row_characters": ROW_CHARACTERS,
        "poll_s": poll_interval_s((view,)),
    }


def _batches(runtime: Runtime, view: JobView) -> Sequence[TeacherBatch]:
    """The newest batches of a job that is delivered so."""
    if view.delivery != Delivery.BATCH:
        return ()
    return batches.page(runtime, view.id, limit=NEWEST_BATCHES).items


def _failed(runtime: Runtime, job_id: UUID) -> Sequence[CallRecord]:
    """The first calls that came to nothing, with what the teacher said."""
    states = (SlotState.FAILED, SlotState.QUARANTINED)
    return jobs.page_calls(runtime, job_id, states=states, limit=FAILED_CALLS).items
