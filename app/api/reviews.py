"""Reviews over HTTP: draw a sample, judge its rows one by one or by sheet, read the estimate."""

from functools import partial
from typing import Annotated
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from app.api.context import RuntimeOfApp
from app.api.decision_shape import DecisionOut
from app.api.errors import HttpRefusal
from app.api.json_body import check_encoding
from app.api.media_types import JSONL, JSONL_TYPES
from app.api.once import OnceOfRequest, tell
from app.api.paging import Cursor, Limit, PageOf, shown_page
from app.api.problems import problems
from app.api.review_shapes import (
    AppliedOut,
    DecisionIn,
    JudgedOut,
    ReasonOut,
    ReviewedRowOut,
    ReviewIn,
    ReviewOut,
    shown_decision,
    shown_judged,
    shown_review,
    shown_row,
)
from app.api.strict_route import StrictRoute
from app.api.upload_file import uploaded
from app.api.validation import no_such
from app.domain.review import REASONS
from app.domain.stored import Page
from app.files.review_sheet import SheetKind
from app.use_cases import review_sheets, reviews
from app.use_cases.reviews import ReviewDetails
from app.use_cases.verdicts import Given

router = APIRouter(prefix="/v1", tags=["reviews"], route_class=StrictRoute)
_CSV = "text/csv"
_KINDS = {_CSV: SheetKind.CSV, **dict.fromkeys(JSONL_TYPES, SheetKind.JSONL)}
_SHEET = {kind: {"schema": {"type": "string"}} for kind in (_CSV, JSONL)}
_UPLOAD = {
    "requestBody": {
        "required": True,
        "description": "The sheet with verdicts filled in; lines without one say nothing.",
        "content": {kind: {"schema": {"type": "string"}} for kind in _KINDS},
    }
}


@router.post(
    "/reviews", status_code=201, response_model=ReviewOut, responses=problems(400, 404, 409, 422)
)
def start_review(
    runtime: RuntimeOfApp, body: ReviewIn, response: Response, once: OnceOfRequest
) -> ReviewOut:
    """Draw a sample of a job's rows, evenly and without return."""
    details = ReviewDetails(
        _id("job", body.job_id), body.rows, body.random_seed, body.name, body.reviewer
    )
    state = reviews.start(runtime, details, once)
    tell(response, once)
    response.headers["Location"] = f"{router.prefix}/reviews/{state.review.id}"
    return shown_review(state)


def _id(noun: str, given: str) -> UUID:
    try:
        return UUID(given)
    except ValueError as error:
        raise no_such(noun, given) from error


@router.get("/reviews", response_model=PageOf[ReviewOut], responses=problems(404, 422))
def list_reviews(
    runtime: RuntimeOfApp,
    job_id: Annotated[UUID | None, Query(description="only those of this job")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> PageOf[ReviewOut]:
    """Reviews with their estimates, newest first."""
    page = reviews.page(runtime, job_id=job_id, cursor=cursor, limit=limit)
    return shown_page(page, shown_review)


@router.get("/reviews/{review_id}", response_model=ReviewOut, responses=problems(404))
def get_review(runtime: RuntimeOfApp, review_id: UUID) -> ReviewOut:
    """One review with its estimate."""
    return shown_review(reviews.get(runtime, review_id))


@router.get(
    "/reviews/{review_id}/rows",
    response_model=PageOf[ReviewedRowOut],
    responses=problems(404, 422),
)
def list_review_rows(
    runtime: RuntimeOfApp, review_id: UUID, cursor: Cursor = None, limit: Limit = 50
) -> PageOf[ReviewedRowOut]:
    """The sample in its order, with the newest verdict on each row."""
    page = reviews.page_rows(runtime, review_id, cursor=cursor, limit=limit)
    return shown_page(page, shown_row)


@router.post(
    "/reviews/{review_id}/decisions", response_model=JudgedOut, responses=problems(400, 404, 422)
)
def decide(runtime: RuntimeOfApp, review_id: UUID, body: DecisionIn) -> JudgedOut:
    """Keep, edit or drop a row of the sample; the same once more changes nothing."""
    row_id = _id("row", body.row_id)
    given = Given(**body.model_dump(exclude={"row_id"}))
    return shown_judged(reviews.decide(runtime, review_id, row_id, given))


@router.get(
    "/reviews/{review_id}/sheet",
    response_class=Response,
    responses={200: {"content": _SHEET}} | problems(404, 422),
    openapi_extra={"x-produces": [_CSV, JSONL]},
)
def download_sheet(
    runtime: RuntimeOfApp,
    review_id: UUID,
    kind: Annotated[
        SheetKind, Query(description="csv for spreadsheet programs, jsonl for programs")
    ] = SheetKind.CSV,
) -> Response:
    """The sample as a file to fill in: verdict, reasons, note, and texts where they are edited."""
    content = review_sheets.sheet(runtime, review_id, kind)
    headers = {"Content-Disposition": f'attachment; filename="review-{review_id}.{kind}"'}
    media_type = _CSV if kind is SheetKind.CSV else JSONL
    return StreamingResponse(content, headers=headers, media_type=media_type)


@router.post(
    "/reviews/{review_id}/sheet",
    response_model=AppliedOut,
    responses=problems(400, 404, 408, 413, 415, 422, 507),
    openapi_extra=_UPLOAD,
)
async def upload_sheet(request: Request, runtime: RuntimeOfApp, review_id: UUID) -> AppliedOut:
    """Take the verdicts of a sheet: all of them, or none and the list of bad lines."""
    kind = _kind(request)
    limit = runtime.settings.max_upload_mib << 20
    async with uploaded(request, runtime.settings.home / "uploads", limit) as chunks:
        apply = partial(review_sheets.apply, runtime, review_id, chunks, kind)
        applied = await to_thread.run_sync(apply, limiter=request.app.state.upload_limiter)
    counts = {name: getattr(applied, name) for name in ("lines", "decided", "unchanged", "blank")}
    return AppliedOut(**counts, review=shown_review(applied.state))


def _kind(request: Request) -> SheetKind:
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    kind = _KINDS.get(media_type.strip().lower())
    if kind is None:
        detail = f"Send the sheet with a Content-Type of {', '.join(_KINDS)}."
        raise HttpRefusal(415, detail, headers={"Accept-Post": ", ".join(_KINDS)})
    check_encoding(request, parameters)
    return kind


@router.delete(
    "/reviews/{review_id}", status_code=204, response_class=Response, responses=problems(404)
)
def delete_review(runtime: RuntimeOfApp, review_id: UUID) -> None:
    """Remove a review and its sample; its decisions stay with the rows."""
    reviews.delete(runtime, review_id)


@router.get("/review-reasons", response_model=PageOf[ReasonOut], responses=problems())
def list_review_reasons() -> PageOf[ReasonOut]:
    """The reasons for which a row is edited or dropped."""
    return shown_page(Page(REASONS, None), ReasonOut.model_validate)


@router.get("/rows/{row_id}/decisions", response_model=PageOf[DecisionOut], responses=problems(404))
def list_decisions(runtime: RuntimeOfApp, row_id: UUID) -> PageOf[DecisionOut]:
    """What people decided about a row, the first decision first."""
    return shown_page(Page(reviews.history(runtime, row_id), None), shown_decision)
