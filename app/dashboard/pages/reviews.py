"""Reviews: draw a sample, judge its rows by keys or buttons, see what share is valid."""

from uuid import UUID

from anyio import to_thread
from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from app.dashboard.context import RuntimeOfApp, from_our_pages, page_router
from app.dashboard.forms import Form, Reading, SentForm, by_field
from app.dashboard.material_upload import Uploaded, uploaded
from app.dashboard.rendering import page
from app.dashboard.review_form import given_of, sheet_store
from app.domain.review import REASONS
from app.errors import Conflict, InvalidInput, InvalidUpload, NotFound, Problem
from app.runtime import Runtime
from app.use_cases import jobs, reviews
from app.use_cases.reviews import UNNAMED, ReviewDetails

PAGE_SIZE = 25
JOBS_OFFERED = 100
_LIST = "/dashboard/reviews"

router = page_router()


@router.get(_LIST)
def review_list(runtime: RuntimeOfApp, job: str = "", cursor: str | None = None) -> Response:
    """Reviews with their estimates, newest first, and the form of another."""
    form = Form({"job_id": [job], "rows": ["200"], "random_seed": ["0"]})
    return _list(runtime, form, cursor=cursor)


@router.post(_LIST, dependencies=from_our_pages)
def start_review(runtime: RuntimeOfApp, form: SentForm) -> Response:
    """Draw a sample."""
    reading = Reading(form)
    details = ReviewDetails(
        reading.required_id("job_id"),
        reading.integer("rows", 200) or 0,
        reading.integer("random_seed", 0) or 0,
        form.text("name"),
        form.text("reviewer") or UNNAMED,
    )
    problems = list(reading.problems)
    try:
        if not problems:
            state = reviews.start(runtime, details)
            return RedirectResponse(f"{_LIST}/{state.review.id}/next", status_code=303)
    except InvalidInput as error:
        problems = list(error.problems)
    except (NotFound, Conflict) as error:
        problems = [Problem("/job_id", error.code, error.detail)]
    return _list(runtime, form, problems=problems)


def _list(
    runtime: Runtime,
    form: Form,
    *,
    problems: list[Problem] | None = None,
    cursor: str | None = None,
) -> Response:
    found = reviews.page(runtime, cursor=cursor, limit=PAGE_SIZE)
    known = jobs.page(runtime, limit=JOBS_OFFERED).items
    return page(
        "reviews.html",
        422 if problems else 200,
        reviews=found.items,
        next=found.next,
        cursor=cursor,
        jobs=known,
        names={each.job.id: each.job.name for each in known},
        form=form,
        problems=problems or (),
        wrong=by_field(problems or ()),
    )


@router.get(_LIST + "/{review_id}")
def one_review(runtime: RuntimeOfApp, review_id: UUID, cursor: str | None = None) -> Response:
    """One review: its estimate, its sheet, its rows."""
    return _shown(runtime, review_id, Uploaded(Form()), cursor)


def _shown(
    runtime: Runtime, review_id: UUID, found: Uploaded, cursor: str | None = None
) -> Response:
    state = reviews.get(runtime, review_id)
    rows = reviews.page_rows(runtime, review_id, cursor=cursor, limit=PAGE_SIZE)
    error = found.error
    return page(
        "review.html",
        422 if error else 200,
        review=state.review,
        findings=state.findings,
        job=jobs.get(runtime, state.review.job_id),
        rows=rows.items,
        next=rows.next,
        cursor=cursor,
        reasons={each.name: each.words for each in REASONS},
        error=error,
        problems=error.problems if error else (),
        faults=error.report.errors if isinstance(error, InvalidUpload) else (),
    )


@router.get(_LIST + "/{review_id}/next")
def next_row(runtime: RuntimeOfApp, review_id: UUID, after: int = -1) -> Response:
    """Lead to the next row without a verdict, or to the review when all have one."""
    reviews.get(runtime, review_id)
    position = reviews.next_unjudged(runtime, review_id, after)
    place = "" if position is None else f"/rows/{position + 1}"
    return RedirectResponse(f"{_LIST}/{review_id}{place}", status_code=303)


@router.get(_LIST + "/{review_id}/rows/{number}")
def one_row(runtime: RuntimeOfApp, review_id: UUID, number: int) -> Response:
    """One row of the sample, by its number from 1, with what can be said of it."""
    return _row(runtime, review_id, number, Form())


@router.post(_LIST + "/{review_id}/rows/{number}", dependencies=from_our_pages)
def decide(runtime: RuntimeOfApp, review_id: UUID, number: int, form: SentForm) -> Response:
    """Take a verdict and lead to the next row."""
    row = reviews.row_at(runtime, review_id, number - 1)
    try:
        reviews.decide(runtime, review_id, row.row.id, given_of(form, row))
    except InvalidInput as error:
        return _row(runtime, review_id, number, form, list(error.problems))
    return RedirectResponse(f"{_LIST}/{review_id}/next?after={number - 1}", status_code=303)


def _row(
    runtime: Runtime,
    review_id: UUID,
    number: int,
    form: Form,
    problems: list[Problem] | None = None,
) -> Response:
    row = reviews.row_at(runtime, review_id, number - 1)
    state = reviews.get(runtime, review_id)
    last = row.decision
    return page(
        "review_row.html",
        422 if problems else 200,
        review=state.review,
        findings=state.findings,
        row=row.row,
        number=number,
        last=last,
        ticked=set(form.texts("reasons")) if form.fields else set(last.reasons if last else ()),
        note=form.raw("note") if form.fields else (last.note if last else ""),
        form=form,
        reasons=REASONS,
        problems=problems or (),
        wrong=by_field(problems or ()),
    )


@router.post(_LIST + "/{review_id}/sheet", dependencies=from_our_pages)
async def upload_sheet(request: Request, runtime: RuntimeOfApp, review_id: UUID) -> Response:
    """Take the verdicts of a sheet, all or none; bad lines are named."""
    found = await uploaded(request, runtime, sheet_store(review_id), "sheet")
    if found.stored is not None:
        return RedirectResponse(f"{_LIST}/{review_id}", status_code=303)
    return await to_thread.run_sync(_shown, runtime, review_id, found)


@router.post(_LIST + "/{review_id}/delete", dependencies=from_our_pages)
def delete_review(runtime: RuntimeOfApp, review_id: UUID) -> Response:
    """Remove a review; its decisions stay with the rows."""
    reviews.delete(runtime, review_id)
    return RedirectResponse(_LIST, status_code=303)
