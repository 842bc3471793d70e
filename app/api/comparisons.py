"""Comparisons over HTTP: a teacher judges a tuned model's answers against others."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.context import RuntimeOfApp
from app.api.once import OnceOfRequest, tell
from app.api.paging import Cursor, Limit, PageOf, shown_page
from app.api.problems import problems
from app.api.strict_route import StrictRoute
from app.api.validation import no_such
from app.domain.language import Language
from app.domain.lifecycle import TrainingState
from app.use_cases import comparisons

router = APIRouter(prefix="/v1/comparisons", tags=["training"], route_class=StrictRoute)
_MOST = 10**12


class ComparisonIn(BaseModel):
    """A comparison to be made."""

    model_config = ConfigDict(extra="forbid", strict=True)

    run_id: str = Field(description="the training run whose tuned model is judged")
    against_run_id: str | None = Field(
        default=None, description="the run whose tuned model it is held against; else its own base"
    )
    teacher_id: str = Field(description="the teacher that judges")
    language: str = Field(default=str(Language.ENGLISH), description="of the question to the judge")
    cap_calls: int | None = Field(default=None, ge=1, le=2**31 - 1, description="calls at most")
    cap_micro_usd: int | None = Field(default=None, ge=1, le=_MOST, description="micro-USD at most")


class ComparisonOut(BaseModel):
    """A comparison."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    run_id: UUID
    against_run_id: UUID | None
    teacher_id: UUID | None = Field(description="null once the teacher was deleted")
    judge: str = Field(description="its model")
    language: str
    cap_calls: int | None
    cap_micro_usd: int | None
    state: TrainingState
    done: int = Field(description="judgements that are known, of `total`")
    total: int = Field(description="two for each prompt that both answered")
    calls: int
    spent_micro_usd: int = Field(description="what the calls cost, or may have")
    result: dict[str, Any] | None = Field(
        description="win rate with its interval, ties, bias of place, once it ended or was stopped"
    )
    error: str | None
    error_code: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@router.post(
    "", status_code=202, response_model=ComparisonOut, responses=problems(400, 404, 409, 415, 422)
)
def request_comparison(
    runtime: RuntimeOfApp, body: ComparisonIn, response: Response, once: OnceOfRequest
) -> ComparisonOut:
    """Ask for a comparison; a worker that calls teachers makes it."""
    against = body.against_run_id
    wish = comparisons.ComparisonWish(
        run_id=_id_of("training run", body.run_id),
        against_run_id=None if against is None else _id_of("training run", against),
        teacher_id=_id_of("teacher", body.teacher_id),
        language=body.language,
        cap_calls=body.cap_calls,
        cap_micro_usd=body.cap_micro_usd,
    )
    record = comparisons.request(runtime, wish, once)
    tell(response, once)
    response.headers["Location"] = f"{router.prefix}/{record.id}"
    return ComparisonOut.model_validate(record)


def _id_of(noun: str, given: str) -> UUID:
    try:
        return UUID(given)
    except ValueError as error:
        raise no_such(noun, given) from error


@router.get("", response_model=PageOf[ComparisonOut], responses=problems(422))
def list_comparisons(
    runtime: RuntimeOfApp,
    run_id: Annotated[UUID | None, Query(description="of this training run only")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> PageOf[ComparisonOut]:
    """Comparisons, newest first."""
    found = comparisons.page(runtime, run_id, cursor=cursor, limit=limit)
    return shown_page(found, ComparisonOut.model_validate)


@router.get("/{comparison_id}", response_model=ComparisonOut, responses=problems(404))
def get_comparison(runtime: RuntimeOfApp, comparison_id: UUID) -> ComparisonOut:
    """One comparison."""
    return ComparisonOut.model_validate(comparisons.get(runtime, comparison_id))


@router.post("/{comparison_id}/stop", response_model=ComparisonOut, responses=problems(404, 409))
def stop_comparison(runtime: RuntimeOfApp, comparison_id: UUID) -> ComparisonOut:
    """Send nothing more; what is paid for is kept."""
    return ComparisonOut.model_validate(comparisons.stop(runtime, comparison_id))


@router.post("/{comparison_id}/resume", response_model=ComparisonOut, responses=problems(404, 409))
def resume_comparison(runtime: RuntimeOfApp, comparison_id: UUID) -> ComparisonOut:
    """Go on with one that was stopped or failed; what is known is not asked again."""
    return ComparisonOut.model_validate(comparisons.resume(runtime, comparison_id))


@router.delete(
    "/{comparison_id}", status_code=204, response_class=Response, responses=problems(404, 409)
)
def delete_comparison(runtime: RuntimeOfApp, comparison_id: UUID) -> None:
    """Remove one that has ended, with its judgements."""
    comparisons.delete(runtime, comparison_id)
