"""What a person can do with a job: pause, resume, cancel, retry, change its caps, delete it."""

from collections.abc import Sequence
from uuid import UUID

from fastapi import Response
from fastapi.responses import RedirectResponse

from app.dashboard.context import RuntimeOfApp, from_our_pages, page_router
from app.dashboard.forms import Form, Reading, SentForm, by_field
from app.dashboard.job_form import form_of_job
from app.dashboard.live import Board, BoardOfApp
from app.dashboard.pages.job import JobLook
from app.dashboard.rendering import page
from app.dashboard.views import job_view
from app.domain.stored import JobProgress
from app.errors import InvalidInput, Problem
from app.use_cases import jobs
from app.use_cases.jobs import JobChanges

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


@router.post("/dashboard/jobs/{job_id}/retry", dependencies=from_our_pages)
def retry(runtime: RuntimeOfApp, board: BoardOfApp, job_id: UUID) -> RedirectResponse:
    """Make the failed calls again, and nothing else."""
    jobs.retry(runtime, job_id, only_failed=True)
    return _shown_again(board, job_id)


@router.post("/dashboard/jobs/{job_id}/continue", dependencies=from_our_pages)
def go_on(runtime: RuntimeOfApp, board: BoardOfApp, job_id: UUID) -> RedirectResponse:
    """Let an ended job go on to its target, its failed calls included."""
    jobs.retry(runtime, job_id, only_failed=False)
    return _shown_again(board, job_id)


@router.get("/dashboard/jobs/{job_id}/change")
def ask_for_changes(runtime: RuntimeOfApp, job_id: UUID) -> Response:
    """The form of what may change while a job lives."""
    progress = jobs.progress(runtime, job_id)
    return _changing(progress, form_of_job(progress.job))


@router.post("/dashboard/jobs/{job_id}/change", dependencies=from_our_pages)
def change(runtime: RuntimeOfApp, board: BoardOfApp, job_id: UUID, form: SentForm) -> Response:
    """Raise or lower caps and target, or give another name."""
    changes, unread = _changes(form)
    try:
        if not unread:
            jobs.change(runtime, job_id, changes)
            return _shown_again(board, job_id)
        problems = unread
    except InvalidInput as error:
        problems = error.problems
    return _changing(jobs.progress(runtime, job_id), form, problems)


def _changes(form: Form) -> tuple[JobChanges, Sequence[Problem]]:
    reading = Reading(form)
    changes = JobChanges(
        name=form.text("name") or None,
        target_rows=reading.integer("target_rows"),
        cap_calls=reading.integer("cap_calls"),
        cap_micro_usd=reading.micro_usd("cap_micro_usd"),
    )
    return changes, reading.problems


def _changing(progress: JobProgress, form: Form, problems: Sequence[Problem] = ()) -> Response:
    status = 422 if problems else 200
    wrong = by_field(problems)
    view = job_view(progress)
    return page("change_job.html", status, job=view, form=form, problems=problems, wrong=wrong)


@router.get("/dashboard/jobs/{job_id}/delete")
def confirm_delete(runtime: RuntimeOfApp, job_id: UUID) -> Response:
    """Ask before a job goes with all that it made."""
    return page("delete_job.html", job=job_view(jobs.progress(runtime, job_id)))


@router.post("/dashboard/jobs/{job_id}/delete", dependencies=from_our_pages)
def delete(runtime: RuntimeOfApp, job_id: UUID) -> RedirectResponse:
    """Remove a finished job with its calls, rows and exports."""
    jobs.delete(runtime, job_id)
    return RedirectResponse("/dashboard/jobs", status_code=303)


def _shown_again(board: Board, job_id: UUID) -> RedirectResponse:
    """Back to the job's page; loading that again does nothing again."""
    board.forget(JobLook(job_id))
    return RedirectResponse(f"/dashboard/jobs/{job_id}", status_code=303)
