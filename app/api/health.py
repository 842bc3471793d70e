"""Whether the process lives, and whether it can do its work."""

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from app.api.context import RuntimeOfApp
from app.api.problems import problems
from app.api.strict_route import StrictRoute
from app.use_cases import health

router = APIRouter(tags=["health"], route_class=StrictRoute)


class ReadinessOut(BaseModel):
    """Each condition of being ready, and all of them together."""

    model_config = ConfigDict(from_attributes=True)

    ready: bool
    database: bool = Field(description="Postgres answers")
    schema_known: bool = Field(description="the database stands at the revision of this program")
    swept: bool = Field(description="a sweep ran within the last minute")
    sweep_age_s: float | None
    problem: str | None = Field(description="the first check that fails, and how to mend it")


@router.get(
    "/healthz",
    response_class=PlainTextResponse,
    responses=problems(),
    openapi_extra={"x-produces": ["text/plain"]},
)
async def healthz() -> str:
    """The process lives."""
    return "ok"


@router.get(
    "/readyz",
    response_model=ReadinessOut,
    responses=problems() | {503: {"model": ReadinessOut, "description": "Not ready"}},
)
def readyz(runtime: RuntimeOfApp, response: Response) -> ReadinessOut:
    """The service can do its work; 503 while it cannot."""
    found = health.readiness(runtime)
    if not found.ready:
        response.status_code = 503
        response.headers["Retry-After"] = "5"
    return ReadinessOut.model_validate(found)
