"""The pages: the list of jobs, one job, the buttons of a job, and the files they need."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse, RedirectResponse

from app.dashboard.pages import PageRoute, fragment, page
from app.dashboard.same_origin import check_same_origin
from app.dashboard.views import JobView, counted, funnel, job_view, poll_interval_s
from app.domain.lifecycle import Delivery, SlotState
from app.domain.stored import CallRecord, TeacherBatch
from app.errors import NotFound
from app.runtime import Runtime
from app.use_cases import batches, jobs, rows, watching

PAGE_SIZE = 25
NEWEST_ROWS = 8
NEWEST_BATCHES = 10
FAILED_CALLS = 5
ROW_CHARACTERS = 600
_FILES = {
    "dashboard.css": "text/css; charset=utf-8",
    "poll.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_STATIC = Path(__file__).parent / "static"

router = APIRouter(route_class=PageRoute, include_in_schema=False)


def _runtime(request: Request) -> Runtime:
    return request.app.state.runtime


RuntimeOfApp = Annotated[Runtime, Depends(_runtime)]


@router.get("/")
@router.get("/dashboard")
def start() -> RedirectResponse:
    """The way in."""
    return RedirectResponse("/dashboard/jobs", status_code=302)


@router.get("/dashboard/static/{name}")
def static(name: str) -> FileResponse:
    """A file of the dashboard's own."""
    if name not in _FILES:
        raise NotFound("There is no such file.")
    headers = {"Cache-Control": "public, max-age=300"}
    return FileResponse(_STATIC / name, media_type=_FILES[name], headers=headers)


@router.get("/dashboard/jobs")
def job_list(runtime: RuntimeOfApp, cursor: str | None = None) -> Response:
    """Every job, newest first."""
    return page("jobs.html", **_list(runtime, cursor))


@router.get("/dashboard/jobs/fragment")
def job_list_fragment(
    request: Request, runtime: RuntimeOfApp, cursor: str | None = None
) -> Response:
    """The part of the list that changes."""
    return fragment(request, "jobs_fragment.html", **_list(runtime, cursor))


def _list(runtime: Runtime, cursor: str | None) -> dict[str, object]:
    found = jobs.page(runtime, cursor=cursor, limit=PAGE_SIZE)
    views = tuple(map(job_view, found.items))
    return {
        "jobs": views,
        "next": found.next,
        "cursor": cursor,
        "poll_s": poll_interval_s(views),
    }


@router.get("/dashboard/jobs/{job_id}")
def one_job(runtime: RuntimeOfApp, job_id: UUID) -> Response:
    """One job."""
    return page("job.html", **_job(runtime, job_id))


@router.get("/dashboard/jobs/{job_id}/fragment")
def one_job_fragment(request: Request, runtime: RuntimeOfApp, job_id: UUID) -> Response:
    """The part of the job's page that changes."""
    return fragment(request, "job_fragment.html", **_job(runtime, job_id))


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


@router.get("/dashboard/jobs/{job_id}/cancel")
def confirm_cancel(runtime: RuntimeOfApp, job_id: UUID) -> Response:
    """Ask before a job is ended, which nothing undoes."""
    return page("cancel.html", job=job_view(jobs.progress(runtime, job_id)))


_from_our_pages = [Depends(check_same_origin)]


@router.post("/dashboard/jobs/{job_id}/pause", dependencies=_from_our_pages)
def pause(runtime: RuntimeOfApp, job_id: UUID) -> RedirectResponse:
    """Send nothing more for now."""
    jobs.pause(runtime, job_id)
    return _shown_again(job_id)


@router.post("/dashboard/jobs/{job_id}/resume", dependencies=_from_our_pages)
def resume(runtime: RuntimeOfApp, job_id: UUID) -> RedirectResponse:
    """Go on with what is missing."""
    jobs.resume(runtime, job_id)
    return _shown_again(job_id)


@router.post("/dashboard/jobs/{job_id}/cancel", dependencies=_from_our_pages)
def cancel(runtime: RuntimeOfApp, job_id: UUID) -> RedirectResponse:
    """End it early; what it has made is kept."""
    jobs.cancel(runtime, job_id)
    return _shown_again(job_id)


def _shown_again(job_id: UUID) -> RedirectResponse:
    """Back to the job's page; loading that again does nothing again."""
    return RedirectResponse(f"/dashboard/jobs/{job_id}", status_code=303)
