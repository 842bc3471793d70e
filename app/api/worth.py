"""The worth curve of an export over HTTP: asked for as a training run, read while it is made."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.context import RuntimeOfApp
from app.api.problems import problems
from app.api.strict_route import StrictRoute
from app.domain.worth import WorthPlan
from app.use_cases import worth_results

router = APIRouter(prefix="/v1/training-runs", tags=["training"], route_class=StrictRoute)
SVG = "image/svg+xml"
_PICTURE = {"schema": {"type": "string"}}


class WorthIn(BaseModel):
    """A worth curve: what more of the rows buy."""

    model_config = ConfigDict(extra="forbid", strict=True)

    shares: list[float] = Field(
        default_factory=lambda: list(WorthPlan().shares),
        description="parts of the rows to train on, each above 0 and up to 1; ten at most",
    )
    repeats: int = Field(default=WorthPlan().repeats, description="random seeds of each, 1 to 100")
    seeds: bool = Field(default=True, description="also on the job's seeds alone, where it has any")
    pool: bool = Field(
        default=True, description="also on as many rows before any filter, where any were dropped"
    )

    def plan(self) -> WorthPlan:
        """The same as the use case wants it."""
        return WorthPlan(**{**self.model_dump(), "shares": tuple(self.shares)})


class WorthOut(BaseModel):
    """A worth curve: losses in nats a token, by what was trained on."""

    measure: str = Field(description="what the losses are measured on")
    base_loss: float
    points: list[dict[str, Any]] = Field(description="one for each training")
    means: list[dict[str, Any]] = Field(description="equal trainings together, with their range")
    next: dict[str, Any] | None = Field(
        description="what so many more rows would change; null where fewer than two sizes ran"
    )
    runs: dict[str, int] = Field(description="trainings that are done, of how many")


@router.get("/{run_id}/worth", response_model=WorthOut, responses=problems(404, 409))
def get_worth(runtime: RuntimeOfApp, run_id: UUID) -> WorthOut:
    """The worth curve as far as it is made; 409 until its first training is done."""
    return WorthOut.model_validate(worth_results.so_far(runtime, run_id))


@router.get(
    "/{run_id}/worth.svg",
    response_class=Response,
    responses={200: {"content": {SVG: _PICTURE}}} | problems(404, 409),
    openapi_extra={"x-produces": [SVG]},
)
def draw_worth(runtime: RuntimeOfApp, run_id: UUID) -> Response:
    """The same as a picture."""
    found = worth_results.so_far(runtime, run_id)
    return Response(worth_results.picture(found), media_type=SVG)
