"""Rows over HTTP: read them, and walk each back to where it came from."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from app.api.context import RuntimeOfApp
from app.api.decision_shape import DecisionOut
from app.api.paging import Cursor, Limit, PageOf, shown_page
from app.api.problems import problems
from app.api.strict_route import StrictRoute
from app.domain.lifecycle import RowState
from app.domain.stored import Page, RowRecord, RowScore
from app.errors import InvalidInput, Problem
from app.runtime import Runtime
from app.use_cases import rows

router = APIRouter(prefix="/v1/rows", tags=["rows"], route_class=StrictRoute)
RowStateName = Annotated[
    Literal["accepted", "rejected", "all"], Query(description="which rows; dropped ones say why")
]


class ScoreOut(BaseModel):
    """What a judging job said of a row."""

    model_config = ConfigDict(from_attributes=True)

    judge_job_id: UUID
    judge: str = Field(description="the judging job's name")
    overall: float = Field(description="the mean of the criteria's means")
    scores: dict[str, list[float]] = Field(description="by criterion, a score for each sample")
    model: str | None
    prompt_version: str | None = Field(description="of the prompt that asked for the scores")
    slot_id: UUID | None = Field(description="the last call of the judgement")
    created_at: datetime


class RowOut(BaseModel):
    """One row of the dataset."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    job_id: UUID
    instruction: str
    input: str
    output: str
    is_classification: bool | None
    messages: list[dict[str, str]] | None = Field(
        description="all turns of a dialogue, each with role and content; null for other rows"
    )
    facts: dict[str, str] | None = Field(
        description="what else is known of it, such as the image it is about"
    )
    state: RowState
    reasons: list[str] = Field(description="why it was rejected, the first reason first")
    flags: list[str] = Field(description="what was found in it that does not drop it")
    nearest_row_id: UUID | None = Field(
        description="the row it is too alike to, where rows are compared with their inputs"
    )
    nearest_score: float | None = Field(description="ROUGE-L to that row")
    verdict: str | None = Field(description="of a person: kept, edited or dropped")
    simulated: bool
    pool_seq: int = Field(description="place of its instruction in the order of the dataset")
    position: int = Field(description="among the rows of its instruction, from 0")
    created_at: datetime
    scores: list[ScoreOut] = Field(
        default_factory=list[ScoreOut], description="by judging jobs, the newest first"
    )


class LineageCallOut(BaseModel):
    """One call that made a row: the prompt as sent, and the reply as it came."""

    model_config = ConfigDict(from_attributes=True)

    slot_id: UUID
    prompt: dict[str, Any]
    raw_reply: str
    raw_removed_at: datetime | None = Field(
        description="when the reply was removed, having been kept for as long as the settings say"
    )
    reused_from_job_id: UUID | None = Field(
        description="the job that paid for the reply, where it was not the row's own"
    )
    reused_from_slot_id: UUID | None
    model: str
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_micro_usd: int
    received_at: datetime | None


class ExportOfRowOut(BaseModel):
    """An export that holds the row."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    format: str
    sha256: str | None
    finished_at: datetime | None


class LineageOut(BaseModel):
    """Where a row came from."""

    model_config = ConfigDict(from_attributes=True)

    row: RowOut
    nearest_score: float | None = Field(description="ROUGE-L to the nearest earlier instruction")
    sources: list[dict[str, Any]] = Field(description="what the prompt showed, in order")
    propose: LineageCallOut | None = Field(
        description="null where a seed, a labelled row or another job's row was taken as it is"
    )
    answer: LineageCallOut | None = Field(
        description="the proposing call again where the instruction came with its answer"
    )
    scores: list[ScoreOut] = Field(description="what judges said, with model and prompt version")
    decisions: list[DecisionOut] = Field(description="of people, the first one first")
    exports: list[ExportOfRowOut] = Field(description="those that hold the row, newest first")


def row_state(name: str) -> RowState | None:
    """The state that a query names; None for all."""
    return None if name == "all" else RowState(name)


@router.get("", response_model=PageOf[RowOut], responses=problems(404, 422))
def list_rows(
    runtime: RuntimeOfApp,
    job_id: Annotated[UUID, Query(description="the job that made the rows")],
    state: RowStateName = "accepted",
    reason: Annotated[
        str | None, Query(pattern="^[a-z0-9_]{1,80}$", description="only those dropped for this")
    ] = None,
    text: Annotated[
        str | None, Query(max_length=200, description="only those that hold this, in any case")
    ] = None,
    min_score: Annotated[
        float | None, Query(allow_inf_nan=False, description="only those that a judge scored so")
    ] = None,
    judge_job_id: Annotated[
        UUID | None, Query(description="the judging job; else the newest that scored the row")
    ] = None,
    language: Annotated[
        str | None,
        Query(
            pattern="^[a-z]{2,3}$", description="only those in this language, such as en; und: none"
        ),
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> PageOf[RowOut]:
    """The rows of a job, in the order of the dataset.

    With `reason`, `text` or `min_score` each page looks at 20,000 rows at most, with `language` at
    1,000: it may be short, or empty, and still have a next one.
    """
    chosen = row_state(state)
    searched = bool(reason or text or language) or min_score is not None
    if chosen is not None and searched:
        found = rows.search(
            runtime,
            job_id,
            state=chosen,
            reason=reason,
            text=text,
            min_score=min_score,
            judge_job_id=judge_job_id,
            language=language,
            cursor=cursor,
            limit=limit,
        )
        return _with_scores(runtime, found)
    if searched:
        raise _one_state_only()
    page = rows.page(runtime, job_id, state=chosen, cursor=cursor, limit=limit)
    return _with_scores(runtime, page)


def _with_scores(runtime: Runtime, page: Page[RowRecord]) -> PageOf[RowOut]:
    said = rows.scores(runtime, [each.id for each in page.items])
    return shown_page(page, lambda row: _shown(row, said.get(row.id, ())))


def _shown(row: RowRecord, said: Sequence[RowScore]) -> RowOut:
    out = RowOut.model_validate(row)
    out.scores = [ScoreOut.model_validate(each) for each in said]
    return out


def _one_state_only() -> InvalidInput:
    """All states are not searched together: they lie apart."""
    detail = "must be accepted or rejected, where reason, text, language or min_score is given"
    problem = Problem("/state", "conflicting_options", detail)
    return InvalidInput("Search one state at a time.", problems=[problem])


@router.get("/{row_id}", response_model=RowOut, responses=problems(404))
def get_row(runtime: RuntimeOfApp, row_id: UUID) -> RowOut:
    """One row."""
    row = rows.get(runtime, row_id)
    return _shown(row, rows.scores(runtime, [row_id]).get(row_id, ()))


@router.get("/{row_id}/lineage", response_model=LineageOut, responses=problems(404))
def get_lineage(runtime: RuntimeOfApp, row_id: UUID) -> LineageOut:
    """The seeds, prompts and raw replies behind a row."""
    found = rows.lineage(runtime, row_id)
    out = LineageOut.model_validate(found)
    out.row.scores = out.scores
    return out
