"""Jobs over HTTP: submit, list, follow, change, pause, resume, cancel, retry, delete."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.conditional import matches
from app.api.context import RuntimeOfApp
from app.api.job_bodies import JobChangesIn, JobIn, JobOut, JobStatusOut, RetryIn, shown, shown_gate
from app.api.once import OnceOfRequest, tell
from app.api.paging import Cursor, Limit, PageOf, shown_page
from app.api.problems import problems
from app.api.rows import RowOut, RowStateName, row_state
from app.api.status_board import StatusBoard
from app.api.strict_route import StrictRoute
from app.domain.lifecycle import BatchState, CandidateState, JobState, SlotState
from app.runtime import Runtime
from app.use_cases import batches, job_prompts, jobs, rows, watching
from app.use_cases.jobs import JobChanges

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=StrictRoute)


class EventOut(BaseModel):
    """One move of a job."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    from_state: str | None
    to_state: str
    reason: str | None
    detail: str | None
    at: datetime


class SourceOut(BaseModel):
    """A job whose rows are mixed; null is a share by its rows, and no cap."""

    model_config = ConfigDict(from_attributes=True)

    job_id: UUID
    weight: float | None
    cap: int | None


class CallOut(BaseModel):
    """One call to the teacher and what its last attempt brought."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    kind: str = Field(description="propose or answer")
    number: int = Field(description="of its conversation, from 0")
    position: int = Field(description="in its conversation, from 0")
    step: str
    state: SlotState
    attempt: int
    reason: str | None
    detail: str | None
    status: int | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_micro_usd: int | None
    reused_from_job_id: UUID | None = Field(
        description="the job that paid for the reply, where a stored one stands for this call"
    )
    reused_from_slot_id: UUID | None = Field(description="its call; both may be deleted since")
    saved_micro_usd: int | None = Field(description="what that reply had cost")
    updated_at: datetime


class JobPromptOut(BaseModel):
    """One text that the prompts of a job are made from."""

    model_config = ConfigDict(from_attributes=True)

    name: str = Field(description="the step, or STEP.system for what a chat is told beforehand")
    version: str = Field(description="what its calls carry; sha256:... where a text is the user's")
    own: bool = Field(description="whether the job was given this text")
    text: str


class BatchOut(BaseModel):
    """Calls that the teacher was given as one file; the counts are the teacher's."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    state: BatchState
    requests: int
    completed: int
    failed: int
    provider_batch_id: str | None = Field(description="the teacher's name for it")
    provider_state: str | None = Field(description="the teacher's word for where it stands")
    detail: str | None
    created_at: datetime
    submitted_at: datetime | None
    ended_at: datetime | None
    next_step_at: datetime | None = Field(description="when it is looked at again")


class CandidateOut(BaseModel):
    """One proposed instruction, its fate, and the nearest earlier one."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    instruction: str
    is_classification: bool | None
    state: CandidateState
    reasons: list[str]
    nearest_score: float | None = Field(description="ROUGE-L to the nearest earlier instruction")
    nearest_cosine: float | None = Field(
        description="highest cosine to an earlier one, where meaning is compared"
    )
    nearest_text: str | None
    facts: dict[str, str] | None = Field(
        description="what else is known of it, such as the template and the row it came from"
    )
    number: int
    position: int
    created_at: datetime


async def _board(request: Request) -> StatusBoard[UUID]:
    return request.app.state.status_board


Board = Annotated[StatusBoard[UUID], Depends(_board)]


def status_json(runtime: Runtime, job_id: UUID) -> bytes:
    """A job's status as the board keeps it; raises NotFound."""
    progress = jobs.progress(runtime, job_id)
    gate = shown_gate(watching.gate(runtime, progress.job.teacher_id))
    told = b"null" if gate is None else gate.model_dump_json().encode()
    return b'%s,"gate":%s}' % (shown(progress).model_dump_json().encode()[:-1], told)


def _changed(runtime: Runtime, board: StatusBoard, job_id: UUID) -> JobOut:
    board.forget(job_id)
    return shown(jobs.progress(runtime, job_id))


@router.post("", status_code=201, response_model=JobOut, responses=problems(400, 415, 422))
def submit_job(
    runtime: RuntimeOfApp, body: JobIn, response: Response, once: OnceOfRequest
) -> JobOut:
    """Submit a job; workers begin at once."""
    job = jobs.submit(runtime, body.details(), once)
    tell(response, once)
    response.headers["Location"] = f"{router.prefix}/{job.id}"
    return shown(jobs.progress(runtime, job.id))


@router.get("", response_model=PageOf[JobOut], responses=problems(422))
def list_jobs(
    runtime: RuntimeOfApp,
    state: Annotated[JobState | None, Query(description="only jobs in this state")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> PageOf[JobOut]:
    """Jobs, newest first."""
    return shown_page(jobs.page(runtime, state=state, cursor=cursor, limit=limit), shown)


@router.get(
    "/{job_id}",
    response_model=JobStatusOut,
    responses={304: {"description": "As the caller has it (If-None-Match)"}} | problems(404),
)
async def get_job(board: Board, request: Request, job_id: UUID) -> Response:
    """A job and how far it is; follow it by asking again after `poll_after_s` with its ETag."""
    status = await board.read(job_id)
    poll_after_s = board.poll_after_s()
    headers = {"ETag": status.etag, "Retry-After": str(poll_after_s)}
    if matches(request.headers.get("if-none-match"), status.etag):
        return Response(status_code=304, headers=headers)
    body = status.with_poll_after(poll_after_s)
    return Response(body, headers=headers, media_type="application/json")


@router.patch("/{job_id}", response_model=JobOut, responses=problems(400, 404, 409, 415, 422))
def change_job(runtime: RuntimeOfApp, board: Board, job_id: UUID, body: JobChangesIn) -> JobOut:
    """Change name, target or caps; a cap below what is spent stops the job."""
    jobs.change(runtime, job_id, JobChanges(**body.model_dump()))
    return _changed(runtime, board, job_id)


@router.delete("/{job_id}", status_code=204, response_class=Response, responses=problems(404, 409))
def delete_job(runtime: RuntimeOfApp, board: Board, job_id: UUID) -> None:
    """Remove a finished job with its calls, rows and exports."""
    jobs.delete(runtime, job_id)
    board.forget(job_id)


@router.post("/{job_id}/pause", response_model=JobOut, responses=problems(404, 409))
def pause_job(runtime: RuntimeOfApp, board: Board, job_id: UUID) -> JobOut:
    """Make no new calls; calls under way are kept."""
    jobs.pause(runtime, job_id)
    return _changed(runtime, board, job_id)


@router.post("/{job_id}/resume", response_model=JobOut, responses=problems(404, 409))
def resume_job(runtime: RuntimeOfApp, board: Board, job_id: UUID) -> JobOut:
    """Go on with what is missing."""
    jobs.resume(runtime, job_id)
    return _changed(runtime, board, job_id)


@router.post("/{job_id}/cancel", response_model=JobOut, responses=problems(404, 409))
def cancel_job(runtime: RuntimeOfApp, board: Board, job_id: UUID) -> JobOut:
    """End a job early; calls under way are kept, and so is every row."""
    jobs.cancel(runtime, job_id)
    return _changed(runtime, board, job_id)


@router.post("/{job_id}/retry", response_model=JobOut, responses=problems(400, 404, 409, 415, 422))
def retry_job(
    runtime: RuntimeOfApp, board: Board, job_id: UUID, body: RetryIn | None = None
) -> JobOut:
    """Make failed calls again; unless `only` says failed, go on to the target as well."""
    jobs.retry(runtime, job_id, only_failed=body is not None and body.only == "failed")
    return _changed(runtime, board, job_id)


@router.get("/{job_id}/events", response_model=PageOf[EventOut], responses=problems(404))
def list_events(runtime: RuntimeOfApp, job_id: UUID) -> PageOf[EventOut]:
    """Every move of a job, oldest first, on one page."""
    found = jobs.events(runtime, job_id)
    return PageOf(items=[EventOut.model_validate(each) for each in found], next=None)


@router.get("/{job_id}/prompts", response_model=PageOf[JobPromptOut], responses=problems(404))
def list_prompts(runtime: RuntimeOfApp, job_id: UUID) -> PageOf[JobPromptOut]:
    """The texts that a job's prompts are made from, ours and its own, on one page."""
    found = job_prompts.of_job(runtime, job_id)
    return PageOf(items=[JobPromptOut.model_validate(each) for each in found], next=None)


@router.get("/{job_id}/sources", response_model=PageOf[SourceOut], responses=problems(404))
def list_sources(runtime: RuntimeOfApp, job_id: UUID) -> PageOf[SourceOut]:
    """The jobs whose rows a job of the method mix takes, as they were named, on one page."""
    found = jobs.sources(runtime, job_id)
    return PageOf(items=[SourceOut.model_validate(each) for each in found], next=None)


@router.get("/{job_id}/calls", response_model=PageOf[CallOut], responses=problems(404, 422))
def list_calls(
    runtime: RuntimeOfApp,
    job_id: UUID,
    state: Annotated[SlotState | None, Query(description="only calls in this state")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> PageOf[CallOut]:
    """The calls of a job: answers, then proposals, each in order."""
    states = () if state is None else (state,)
    page = jobs.page_calls(runtime, job_id, states=states, cursor=cursor, limit=limit)
    return shown_page(page, CallOut.model_validate)


@router.get("/{job_id}/batches", response_model=PageOf[BatchOut], responses=problems(404, 422))
def list_batches(
    runtime: RuntimeOfApp, job_id: UUID, cursor: Cursor = None, limit: Limit = 50
) -> PageOf[BatchOut]:
    """The batches of a job whose `delivery` is batch, newest first."""
    page = batches.page(runtime, job_id, cursor=cursor, limit=limit)
    return shown_page(page, BatchOut.model_validate)


@router.get(
    "/{job_id}/candidates", response_model=PageOf[CandidateOut], responses=problems(404, 422)
)
def list_candidates(
    runtime: RuntimeOfApp,
    job_id: UUID,
    state: Annotated[CandidateState | None, Query(description="only those in this state")] = None,
    reason: Annotated[
        str | None, Query(pattern="^[a-z0-9_]{1,80}$", description="only those dropped for this")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> PageOf[CandidateOut]:
    """The instructions proposed in a job, newest first.

    With `reason`, a page looks at so many of them at most: it may be short and have a next one.
    """
    page = jobs.page_candidates(
        runtime, job_id, state=state, reason=reason, cursor=cursor, limit=limit
    )
    return shown_page(page, CandidateOut.model_validate)


@router.get("/{job_id}/rows", response_model=PageOf[RowOut], responses=problems(404, 422))
def list_rows_of_job(
    runtime: RuntimeOfApp,
    job_id: UUID,
    state: RowStateName = "accepted",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> PageOf[RowOut]:
    """The rows of a job, in the order of the dataset."""
    page = rows.page(runtime, job_id, state=row_state(state), cursor=cursor, limit=limit)
    return shown_page(page, RowOut.model_validate)
