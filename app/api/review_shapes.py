"""What reviews look like over HTTP: samples, estimates, decisions."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.api.decision_shape import DecisionOut
from app.api.rows import RowOut
from app.domain.review import Decision, ReviewedRow
from app.use_cases.reviews import Judged, ReviewState


class ReviewIn(BaseModel):
    """A review to begin."""

    model_config = ConfigDict(extra="forbid", strict=True)

    job_id: str = Field(description="the job whose rows are to be judged")
    rows: int = Field(default=200, description="how many rows to draw, from 1 to 5,000")
    random_seed: int = Field(default=0, description="the same seed and rows give the same sample")
    name: str = Field(default="", description="else it is named after the job")
    reviewer: str = Field(default="unnamed", description="who judges, unless a verdict says other")


class ShareOut(BaseModel):
    """A share of the rows with its interval."""

    model_config = ConfigDict(from_attributes=True)

    valid: int = Field(description="sound rows among those judged")
    judged: int
    population: int = Field(description="rows that the sample was drawn from")
    share: float | None = Field(description="null before the first verdict")
    low: float = Field(description="lower end of the interval (Wilson, finite population)")
    high: float
    confidence: float


class FindingsOut(BaseModel):
    """What the verdicts say so far."""

    model_config = ConfigDict(from_attributes=True)

    judged: int
    verdicts: dict[str, int]
    reasons: dict[str, int]
    valid: ShareOut = Field(description="rows that were kept")
    fields: dict[str, ShareOut] = Field(
        description="rows in whose instruction, input, output no fault was found"
    )


class ReviewOut(BaseModel):
    """A sample of a job's rows and what its verdicts say."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    job_id: UUID
    name: str
    reviewer: str
    random_seed: int
    sample_rows: int
    population: int = Field(description="rows of the job when the sample was drawn")
    created_at: datetime
    findings: FindingsOut


class ReviewedRowOut(BaseModel):
    """A row of a sample."""

    position: int = Field(description="place in the sample, from 0")
    row: RowOut
    decision: DecisionOut | None = Field(description="the newest of this review")


class DecisionIn(BaseModel):
    """A verdict on a row; texts that are left out stay."""

    model_config = ConfigDict(extra="forbid", strict=True)

    row_id: str
    verdict: str = Field(description="keep, edit or drop")
    reasons: list[str] = Field(
        default_factory=list[str], description="names from /v1/review-reasons; none for keep"
    )
    note: str = ""
    reviewer: str | None = Field(default=None, description="else the one of the review")
    instruction: str | None = None
    input: str | None = None
    output: str | None = None
    messages: list[str] | None = Field(
        default=None, description="of a dialogue: the content of each turn, whose roles stay"
    )


class JudgedOut(BaseModel):
    """A row after a verdict, and the estimate with it."""

    changed: bool = Field(description="false where the same had been said before")
    row: ReviewedRowOut
    review: ReviewOut


class AppliedOut(BaseModel):
    """What became of a sheet."""

    lines: int
    decided: int = Field(description="decisions that were added")
    unchanged: int = Field(description="lines that said what had been said before")
    blank: int = Field(description="lines without a verdict")
    review: ReviewOut


class ReasonOut(BaseModel):
    """One of the reasons for which a row is edited or dropped."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    field: str | None = Field(description="instruction, input or output; null for none of them")
    words: str


def shown_review(state: ReviewState) -> ReviewOut:
    """A review with its findings."""
    known = {name: getattr(state.review, name) for name in state.review.__slots__}
    return ReviewOut(**known, findings=FindingsOut.model_validate(state.findings))


def shown_row(row: ReviewedRow) -> ReviewedRowOut:
    """A row of a sample."""
    return ReviewedRowOut(
        position=row.position,
        row=RowOut.model_validate(row.row),
        decision=shown_decision(row.decision) if row.decision else None,
    )


def shown_decision(decision: Decision) -> DecisionOut:
    """One decision."""
    return DecisionOut.model_validate(decision)


def shown_judged(judged: Judged) -> JudgedOut:
    """What a verdict came to."""
    return JudgedOut(
        changed=judged.changed, row=shown_row(judged.row), review=shown_review(judged.state)
    )
