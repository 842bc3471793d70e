"""What a person can do with a job from its page: pause, resume, cancel."""

from uuid import UUID

from fastapi import Response
from fastapi.responses import RedirectResponse

from app.dashboard.context import RuntimeOfApp, from_our_pages, page_router
from app.dashboard.live import Board, BoardOfApp
from app.dashboard.pages.job import JobLook
from app.dashboard.rendering import page
from app.dashboard.views import job_view
from app.use_cases import jobs

router = page_router()


@router.get("/dashboard/jobs/{job_id}/cancel")
def confirm_cancel(runtime: RuntimeOfApp, job_id: UUID) -> Response:
    """Ask before a job is ended, which nothing undoes."""
    return page("cancel.html", job=job_view(jobs.progress(runtime, job_id)))


@router.post("/dashboard/jobs/{job_id}/pause", dependencies=from_our_pages)
def pause(runtime: RuntimeOfApp, board: BoardOfApp, job_id: UUID) -> RedirectResponse:
    """Send nothing more for now."""
    jobs.pause(runtime, job_id)
    return _shown_again(board, job_id)


@router.post("/dashboard/jobs/{job_id}/resume", dependencies=from_our_pages)
def resume(runtime: RuntimeOfApp, board: BoardOfApp, job_id: UUID) -> RedirectResponse:
    """Go on with what is missing."""
    jobs.resume(runtime, job_id)
    return _shown_again(board, job_id)


@router.post("/dashboard/jobs/{job_id}/cancel", dependencies=from_our_pages)
def cancel(runtime: RuntimeOfApp, board: BoardOfApp, job_id: UUID) -> RedirectResponse:
    """End it early; what it has made is kept."""
    jobs.cancel(runtime, job_id)
    return _shown_again(board, job_id)


def _shown_again(board: Board, job_id: UUID) -> RedirectResponse:
    """Back to the job's page; loading that again does nothing again."""
    board.forget(JobLook(job_id))
    return RedirectResponse(f"/dashboard/jobs/{job_id}", status_code=303)
