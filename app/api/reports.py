"""Reports of jobs over HTTP: as JSON for programs, as one page for people."""

from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.context import RuntimeOfApp
from app.api.problems import problems
from app.api.strict_route import StrictRoute
from app.use_cases import reports

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=StrictRoute)
HTML = "text/html"
# The page brings its own styles and nothing else.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


class HistogramOut(BaseModel):
    """How many values lie between each two edges."""

    model_config = ConfigDict(from_attributes=True)

    edges: list[float]
    counts: list[int]
    mean: float


class StepOut(BaseModel):
    """One step from calls to rows."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    count: int


class SaturationOut(BaseModel):
    """Candidates of the calls up to `calls`, since the point before, and how many were new."""

    model_config = ConfigDict(from_attributes=True)

    calls: int
    candidates: int
    novel: int


class SpentOut(BaseModel):
    """Money and rows so many seconds after the first call."""

    model_config = ConfigDict(from_attributes=True)

    seconds: float
    micro_usd: int
    rows: int


class VerbOut(BaseModel):
    """A root verb with its most frequent objects."""

    model_config = ConfigDict(from_attributes=True)

    verb: str
    count: int
    nouns: dict[str, int]


class AgreementOut(BaseModel):
    """How well the samples of a judge agree, over all pairs of a row's samples."""

    model_config = ConfigDict(from_attributes=True)

    rows: int = Field(description="rows with two samples or more")
    pairs: int
    mean_difference: float = Field(description="mean absolute difference, in points")
    exact: float = Field(description="share of equal scores")
    alpha: float | None = Field(
        description="Krippendorff's for ordinal data; null where all scores are the same"
    )


class CriterionScoresOut(BaseModel):
    """Scores under one criterion."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    scores: HistogramOut
    agreement: AgreementOut | None = Field(description="null where no row was scored twice")


class JudgingOut(BaseModel):
    """What a judging job said of the rows."""

    model_config = ConfigDict(from_attributes=True)

    judge_job_id: UUID
    judge: str = Field(description="the judging job's name")
    rows: int = Field(description="rows that it scored")
    rows_read: int = Field(description="of how many of them the figures are")
    overall: HistogramOut
    criteria: list[CriterionScoresOut]


class TopicOut(BaseModel):
    """A word that instructions hold, and words often beside it."""

    model_config = ConfigDict(from_attributes=True)

    word: str
    count: int
    beside: list[str]


class ReportOut(BaseModel):
    """The report of a job, computed now."""

    model_config = ConfigDict(from_attributes=True)

    job: str
    method: str
    simulated: bool
    rows: int = Field(description="rows of the dataset: the first target rows, none dropped")
    rows_read: int = Field(description="of how many of them the texts were read, evenly spread")
    funnel: list[StepOut]
    drops: dict[str, int] = Field(description="dropped candidates and rows by rule")
    saturation: list[SaturationOut]
    cost: list[SpentOut]
    nearest_seed: HistogramOut = Field(description="ROUGE-L F to the most similar seed")
    lengths: dict[str, HistogramOut] = Field(description="in words, one for each ideograph")
    verbs: list[VerbOut]
    rows_with_verb: int
    languages: dict[str, int] = Field(description="rows by ISO 639-1 code")
    judgings: list[JudgingOut] = Field(description="the newest first")
    topics: list[TopicOut] = Field(description="each instruction in the first it holds")
    rows_with_topic: int
    missing: dict[str, str] = Field(description="why something is not told, by its name")
    notes: dict[str, str] = Field(
        description="what something rests on, by its name, where not all of it was read"
    )


@router.get("/{job_id}/report", response_model=ReportOut, responses=problems(404))
def job_report(runtime: RuntimeOfApp, job_id: UUID) -> ReportOut:
    """Funnel, saturation, likeness to seeds, lengths, verbs, topics, languages and cost."""
    return ReportOut.model_validate(reports.of_job(runtime, job_id))


@router.get(
    "/{job_id}/report.html",
    response_class=Response,
    responses={200: {"content": {HTML: {"schema": {"type": "string"}}}}} | problems(404),
    openapi_extra={"x-produces": [HTML]},
)
def job_report_page(runtime: RuntimeOfApp, job_id: UUID) -> Response:
    """The same as one page that needs nothing else."""
    headers = {"Content-Security-Policy": _POLICY}
    return Response(reports.page(runtime, job_id), media_type=HTML, headers=headers)
