"""Template sets over HTTP: upload, list, show, try out, download, delete."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import PlainTextResponse

from app.api.context import RuntimeOfApp
from app.api.errors import HttpRefusal
from app.api.json_body import check_encoding
from app.api.paging import Cursor, Limit, PageOf, shown_page
from app.api.problems import problems
from app.api.strict_route import StrictRoute
from app.api.upload_file import uploaded
from app.domain.materials import TemplateSet
from app.domain.template_files import MAX_BYTES
from app.domain.templates import Rendered, Template
from app.sandbox.template_sandbox import PairOutcome
from app.use_cases import template_sets
from app.use_cases.template_sets import MOST_PREVIEWED, PreviewWish, TemplateSetDetails

router = APIRouter(prefix="/v1/template-sets", tags=["template sets"], route_class=StrictRoute)
YAML = "application/yaml"
YAML_TYPES = (YAML, "application/x-yaml", "text/yaml", "text/x-yaml")
_UPLOAD = {
    "requestBody": {
        "required": True,
        "description": "A file of templates as promptsource has them: YAML with the tags "
        "`!Template` and `!TemplateMetadata`.",
        "content": {kind: {"schema": {"type": "string"}} for kind in YAML_TYPES},
    }
}


class TemplateOut(BaseModel):
    """One template of a set."""

    id: str
    name: str
    columns: list[str] = Field(description="the columns that it names")
    fixed_choices: list[str] | None = Field(description="its choices, where no row changes them")
    original_task: bool | None
    choices_in_prompt: bool | None
    languages: list[str]


class NoticeOut(BaseModel):
    """Something odd that does not keep the file from being used."""

    line: int
    code: str
    detail: str


class TemplateSetOut(BaseModel):
    """A file of templates and what the check found in it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    dataset: str = Field(description="the data set, and its subset, that the file names")
    licence: str
    source: str
    sha256: str = Field(description="of the uploaded file")
    templates: list[TemplateOut]
    notices: list[NoticeOut]
    created_at: datetime


class AddedTemplateSetOut(TemplateSetOut):
    """A set after an upload; `created` is false when the same file is there already."""

    created: bool


class PreviewOut(BaseModel):
    """What a template makes of a row: input and target, or why it is skipped."""

    row: int = Field(description="of the labelled set, from 0")
    template: str
    template_id: str
    input: str | None
    target: str | None
    options: list[str]
    skipped: str | None = Field(description="the reason, where nothing comes of the pair")
    detail: str | None


@router.post(
    "",
    status_code=201,
    response_model=AddedTemplateSetOut,
    responses={200: {"model": AddedTemplateSetOut, "description": "The same file is there already"}}
    | problems(400, 408, 413, 415, 422, 507),
    openapi_extra=_UPLOAD,
)
async def add_template_set(
    request: Request,
    response: Response,
    runtime: RuntimeOfApp,
    name: Annotated[str, Query(description="default: the data set that the file names")] = "",
    licence: Annotated[str, Query(description="licence of the templates")] = "unknown",
    source: Annotated[str, Query(description="where they come from")] = "uploaded",
) -> AddedTemplateSetOut:
    """Check and store a file of templates: all of it, or nothing and every fault with its line."""
    _check_type(request)
    details = TemplateSetDetails(name, licence, source)
    async with uploaded(request, runtime.settings.home / "uploads", MAX_BYTES) as chunks:
        limiter = request.app.state.upload_limiter
        store = partial(template_sets.add, runtime, details)
        added = await to_thread.run_sync(store, chunks, limiter=limiter)
    response.status_code = 201 if added.created else 200
    response.headers["Location"] = f"{router.prefix}/{added.template_set.id}"
    known = _shown(added.template_set).model_dump()
    return AddedTemplateSetOut(**known, created=added.created)


def _check_type(request: Request) -> None:
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    if media_type.strip().lower() not in YAML_TYPES:
        detail = f"Send YAML with a Content-Type of {', '.join(YAML_TYPES)}."
        raise HttpRefusal(415, detail, headers={"Accept-Post": ", ".join(YAML_TYPES)})
    check_encoding(request, parameters)


@router.get("", response_model=PageOf[TemplateSetOut], responses=problems(422))
def list_template_sets(
    runtime: RuntimeOfApp, cursor: Cursor = None, limit: Limit = 50
) -> PageOf[TemplateSetOut]:
    """Sets of templates, newest first."""
    return shown_page(template_sets.page(runtime, cursor=cursor, limit=limit), _shown)


def _shown(template_set: TemplateSet) -> TemplateSetOut:
    return TemplateSetOut.model_validate(template_set)


@router.get("/{template_set_id}", response_model=TemplateSetOut, responses=problems(404))
def get_template_set(runtime: RuntimeOfApp, template_set_id: UUID) -> TemplateSetOut:
    """One set of templates."""
    return _shown(template_sets.get(runtime, template_set_id))


@router.get(
    "/{template_set_id}/preview",
    response_model=PageOf[PreviewOut],
    responses=problems(404, 422, 503),
)
async def preview_template_set(
    request: Request,
    runtime: RuntimeOfApp,
    template_set_id: UUID,
    labelled_set_id: Annotated[UUID, Query(description="the rows to try it on")],
    rows: Annotated[int, Query(ge=1, le=MOST_PREVIEWED, description="so many, the first")] = 3,
    template: Annotated[
        list[str] | None, Query(description="only this one, by name or id; may be repeated")
    ] = None,
    truncate: Annotated[
        int | None, Query(ge=1, description="cut each inserted text to so many characters")
    ] = None,
    random_seed: Annotated[int, Query(ge=0, lt=2**63, description="seed of every draw")] = 42,
) -> PageOf[PreviewOut]:
    """What the first labelled rows become, skipped pairs too, on one page; nothing is stored."""
    wish = PreviewWish(labelled_set_id, rows, template or (), truncate, random_seed)
    render = partial(template_sets.preview, runtime, template_set_id, wish)
    limiter = request.app.state.upload_limiter
    found = await to_thread.run_sync(render, limiter=limiter)
    return PageOf(items=[_previewed(*each) for each in found], next=None)


def _previewed(template: Template, pair: PairOutcome) -> PreviewOut:
    outcome = pair.outcome
    values: dict[str, Any] = {"input": None, "target": None, "options": []}
    if isinstance(outcome, Rendered):
        values = {name: getattr(outcome, name) for name in ("input", "target")}
        values |= {"options": list(outcome.options), "skipped": None, "detail": None}
    else:
        values |= {"skipped": str(outcome.reason), "detail": outcome.detail or None}
    return PreviewOut(row=pair.order.row, template=template.name, template_id=template.id, **values)


@router.get(
    "/{template_set_id}/download",
    response_class=Response,
    responses={200: {"content": {YAML: {"schema": {"type": "string"}}}}} | problems(404),
    openapi_extra={"x-produces": YAML_TYPES},
)
def download_template_set(runtime: RuntimeOfApp, template_set_id: UUID) -> PlainTextResponse:
    """The file as it came."""
    content = template_sets.download(runtime, template_set_id)
    disposition = f'attachment; filename="template-set-{template_set_id}.yaml"'
    headers = {"Content-Disposition": disposition}
    return PlainTextResponse(content, headers=headers, media_type=YAML)


@router.delete(
    "/{template_set_id}", status_code=204, response_class=Response, responses=problems(404, 409)
)
def delete_template_set(runtime: RuntimeOfApp, template_set_id: UUID) -> None:
    """Remove a set that no job uses."""
    template_sets.delete(runtime, template_set_id)
