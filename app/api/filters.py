"""Filters over HTTP: what there is, and what others would make of a job's rows."""

from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from app.api.context import RuntimeOfApp
from app.api.job_bodies import DecontaminationIn, SetOverlapsOut
from app.api.methods import OptionOut
from app.api.paging import PageOf
from app.api.problems import problems
from app.api.strict_route import StrictRoute
from app.use_cases import filter_preview, filters
from app.use_cases.filter_preview import FilterPreview, PreviewRequest

router = APIRouter(prefix="/v1", tags=["filters"], route_class=StrictRoute)
MOST_ROWS = 1_000_000


class FilterOut(BaseModel):
    """One filter, where it comes from, and where it is on without a word."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    kind: Literal["instruction", "instance", "row", "group"] = Field(
        description="what it looks at; instruction filters drop before an answer is paid for, "
        "group filters can only be switched off"
    )
    summary: str
    source: str
    reasons: list[str] = Field(description="the names that it drops under")
    settings: list[OptionOut]
    on_by_default: dict[str, Literal["drop", "flag"]] = Field(
        description="what it does by itself in the default profile, by method; published profiles "
        "have only the rules of their method"
    )


class PreviewIn(BaseModel):
    """Filters and evaluation sets to try; what is left out is as the job has it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    filters: dict[str, Any] = Field(
        default_factory=dict[str, Any],
        description="by name: true, false, drop, flag, or an object of settings",
    )
    decontamination: DecontaminationIn | None = None
    most_rows: int = Field(
        default=100_000, ge=1, le=MOST_ROWS, description="rows that are looked at, at most"
    )
    examples: int = Field(default=3, ge=0, le=50, description="of each change by each reason")


class ExampleOut(BaseModel):
    """One row that would change, or an instruction that was dropped before its answer."""

    model_config = ConfigDict(from_attributes=True)

    change: Literal["dropped", "flagged", "returned", "instruction_returned"]
    reason: str
    row_id: UUID | None
    instruction: str = Field(description="at most 300 characters, as the others")
    input: str
    output: str


class PreviewOut(BaseModel):
    """What would change; nothing has."""

    model_config = ConfigDict(from_attributes=True)

    rows: int = Field(description="that were looked at, the accepted ones first")
    accepted: int = Field(description="of them now")
    accepted_then: int
    complete: bool = Field(description="false where most_rows ended the look")
    dropped: dict[str, int] = Field(description="accepted rows that would be dropped, by reason")
    flagged: dict[str, int] = Field(description="accepted rows with a new flag, by flag")
    returned: dict[str, int] = Field(description="rejected rows that would stand, by old reason")
    instructions_returned: dict[str, int] = Field(
        description="instructions that would have gone on to the pool, by old reason"
    )
    overlaps: list[SetOverlapsOut]
    examples: list[ExampleOut]


@router.get("/filters", response_model=PageOf[FilterOut], responses=problems())
async def list_filters() -> PageOf[FilterOut]:
    """Every filter, on one page, in the order in which they are asked."""
    found = filters.all_filters()
    return PageOf(items=[FilterOut.model_validate(each) for each in found], next=None)


@router.post(
    "/jobs/{job_id}/filters/preview",
    response_model=PreviewOut,
    responses=problems(400, 404, 415, 422),
)
def preview_filters(runtime: RuntimeOfApp, job_id: UUID, body: PreviewIn) -> FilterPreview:
    """What other filters and evaluation sets would make of the rows of a job; changes nothing."""
    return filter_preview.preview(runtime, job_id, PreviewRequest(**body.model_dump()))
