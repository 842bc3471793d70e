"""Estimates over HTTP: what a job would come to, before it is submitted."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from app.api.context import RuntimeOfApp
from app.api.job_bodies import JobIn
from app.api.problems import problems
from app.api.strict_route import StrictRoute
from app.domain.method import Prompt
from app.use_cases import estimates
from app.use_cases.estimate_words import Origin
from app.use_cases.estimates import JobEstimate

router = APIRouter(prefix="/v1/estimates", tags=["jobs"], route_class=StrictRoute)


class ExpectedOut(BaseModel):
    """An amount as it is expected, and what it cannot exceed."""

    model_config = ConfigDict(from_attributes=True)

    expected: int
    most: int


class AssumptionOut(BaseModel):
    """One figure that the estimate rests on."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    value: float | None = Field(description="null where it is a statement alone")
    origin: Origin = Field(
        description="history: earlier jobs here; measured: on the seeds; setting: as given"
    )
    text: str = Field(description="the same in plain words")


class PromptOut(BaseModel):
    """A call as its teacher sees it."""

    step: str
    version: str = Field(description="the prompt file that it was made from")
    system: str | None
    history: list[dict[str, str]] = Field(description="earlier turns, each with role and content")
    text: str
    decoding: dict[str, Any]


class EstimateOut(BaseModel):
    """What a job would come to."""

    rows: int = Field(description="accepted rows; fewer than wanted where a cap ends it before")
    calls: ExpectedOut
    prompt_tokens: ExpectedOut
    completion_tokens: ExpectedOut
    embedding_tokens: ExpectedOut | None = Field(description="where meaning is compared")
    micro_usd: ExpectedOut | None = Field(description="null without prices: none is guessed")
    micro_usd_per_row: int | None = Field(description="expected, rounded up")
    no_money: str | None = Field(description="why there is no money in it")
    expected_s: int = Field(description="seconds; a time has no upper bound")
    cap_calls: int
    cap_micro_usd: int | None
    assumptions: list[AssumptionOut]
    first_prompt: PromptOut | None = Field(
        description="the first call that the job would make; null for a set of very many seeds"
    )


def _shown(found: JobEstimate) -> EstimateOut:
    values: Mapping[str, Any] = {
        name: getattr(found.estimate, name) for name in found.estimate.__slots__
    }
    return EstimateOut.model_validate(
        {
            **values,
            "micro_usd_per_row": found.estimate.micro_usd_per_row,
            "no_money": found.no_money,
            "cap_calls": found.cap_calls,
            "cap_micro_usd": found.cap_micro_usd,
            "assumptions": list(found.assumptions),
            "first_prompt": _prompt(found.first_prompt),
        },
        from_attributes=True,
    )


def _prompt(prompt: Prompt | None) -> PromptOut | None:
    if prompt is None:
        return None
    return PromptOut(
        step=prompt.step,
        version=prompt.version,
        system=prompt.system,
        history=[{"role": each.role, "content": each.content} for each in prompt.history],
        text=prompt.text,
        decoding=prompt.decoding.as_json(),
    )


@router.post("", response_model=EstimateOut, responses=problems(400, 415, 422))
def estimate_job(runtime: RuntimeOfApp, body: JobIn) -> EstimateOut:
    """What a job with this body would come to: calls, tokens, money, time. Nothing is stored."""
    return _shown(estimates.of_job(runtime, body.details()))
