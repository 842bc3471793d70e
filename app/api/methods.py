"""Methods and export formats over HTTP: what there is to choose from."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from app.api.paging import PageOf
from app.api.problems import problems
from app.api.strict_route import StrictRoute
from app.use_cases import methods

router = APIRouter(prefix="/v1", tags=["methods and formats"], route_class=StrictRoute)


class OptionOut(BaseModel):
    """One option of a method; limits are inclusive."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    kind: str = Field(description="integer, number, boolean, string, enum or list (of strings)")
    default: Any
    help: str
    minimum: float | None
    maximum: float | None
    choices: list[str]
    optional: bool = Field(description="whether null is a value")


class PromptTextOut(BaseModel):
    """One prompt text that a job may replace by its own."""

    model_config = ConfigDict(from_attributes=True)

    name: str = Field(description="the step, or STEP.system for what a chat is told beforehand")
    texts: dict[str, str] = Field(description="ours by language, to start from")
    placeholders: list[str] = Field(description="names that may stand in it as {{name}}")
    required: list[str] = Field(description="those that must")
    examples: int = Field(description="worked examples of ours that {{examples}} brings")


class MethodOut(BaseModel):
    """One method with its options and profiles."""

    model_config = ConfigDict(from_attributes=True, populate_by_name=True)

    name: str
    summary: str
    draws_from: str = Field(description="seed_set, labelled_set or sources: what a job of it needs")
    calls: bool = Field(description="whether it asks a teacher; if not, a job names none")
    takes: str = Field(description="what a job is made from: a set of tasks, or of documents")
    seeds_wanted: str = Field(description="what it needs of the set")
    options: list[OptionOut]
    profiles: dict[str, dict[str, Any]] = Field(description="the option values that each one sets")
    json_schema: dict[str, Any] = Field(
        validation_alias="schema", description="JSON schema of the `options` of a job"
    )
    prompts: list[PromptTextOut] = Field(description="texts that a job's `prompts` may replace")


class FormatOut(BaseModel):
    """One export format."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    description: str
    file_suffix: str
    options: list[OptionOut]


@router.get("/methods", response_model=PageOf[MethodOut], responses=problems())
async def list_methods() -> PageOf[MethodOut]:
    """Every method, on one page."""
    return PageOf(items=[_shown(each) for each in methods.all_methods()], next=None)


def _shown(method: methods.MethodDescription) -> MethodOut:
    return MethodOut.model_validate(method)


@router.get("/methods/{name}", response_model=MethodOut, responses=problems(404))
async def get_method(name: str) -> MethodOut:
    """One method."""
    return _shown(methods.get(name))


@router.get("/packaging", response_model=PageOf[OptionOut], responses=problems())
async def list_packaging() -> PageOf[OptionOut]:
    """What may be said of any export beside its format, on one page."""
    fields = methods.packaging_fields()
    return PageOf(items=[OptionOut.model_validate(each) for each in fields], next=None)


@router.get("/formats", response_model=PageOf[FormatOut], responses=problems())
async def list_formats() -> PageOf[FormatOut]:
    """Every export format, on one page."""
    formats = methods.all_formats()
    return PageOf(items=[FormatOut.model_validate(each) for each in formats], next=None)
