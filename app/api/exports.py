"""Exports over HTTP: ask for one, follow it, download it, delete it."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.context import RuntimeOfApp
from app.api.file_download import file_response
from app.api.media_types import FILE_TYPES, JSONL_TYPES
from app.api.once import OnceOfRequest, tell
from app.api.paging import Cursor, Limit, PageOf, shown_page
from app.api.problems import problems
from app.api.strict_route import StrictRoute
from app.api.validation import no_such
from app.domain.lifecycle import ExportState
from app.domain.stored import ExportRecord
from app.use_cases import exports

router = APIRouter(prefix="/v1/exports", tags=["exports"], route_class=StrictRoute)
MARKDOWN = "text/markdown"
_FILE = {kind: {"schema": {"type": "string"}} for kind in FILE_TYPES.values()}


class ExportIn(BaseModel):
    """An export to make."""

    model_config = ConfigDict(extra="forbid", strict=True)

    job_id: str = Field(description="id of the job whose rows are wanted")
    format: str = Field(description="a name from /v1/formats")
    options: dict[str, Any] = Field(
        default_factory=dict[str, Any], description="options of the format, see /v1/formats"
    )
    packaging: dict[str, Any] = Field(
        default_factory=dict[str, Any],
        description="kind of file, splits, shards, bundle; see /v1/packaging",
    )


class ExportOut(BaseModel):
    """An export: a file of the first target rows of a job, by order."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    job_id: UUID
    format: str
    options: dict[str, Any]
    packaging: dict[str, Any]
    state: ExportState
    row_count: int | None
    bytes: int | None
    sha256: str | None
    manifest: dict[str, Any] | None = Field(description="what made the rows")
    error: str | None
    error_code: str | None
    created_at: datetime
    finished_at: datetime | None
    download: str | None = Field(default=None, description="where the file is, once it is ready")


def _shown(export: ExportRecord) -> ExportOut:
    out = ExportOut.model_validate(export)
    if export.state is ExportState.READY:
        out.download = f"{router.prefix}/{export.id}/download"
    return out


@router.post("", status_code=202, response_model=ExportOut, responses=problems(400, 404, 415, 422))
def request_export(
    runtime: RuntimeOfApp, body: ExportIn, response: Response, once: OnceOfRequest
) -> ExportOut:
    """Ask for an export of a job; a worker makes it."""
    job_id = _id_of(body.job_id)
    export = exports.request(runtime, job_id, body.format, body.options, body.packaging, once)
    tell(response, once)
    response.headers["Location"] = f"{router.prefix}/{export.id}"
    return _shown(export)


class PreviewOut(BaseModel):
    """What an export would be if it were made now."""

    model_config = ConfigDict(from_attributes=True)

    rows: int = Field(description="rows of the job; of them the format may leave some out")
    suffix: str = Field(description="of the file")
    card: str = Field(description="the dataset card as Markdown")


@router.post("/preview", response_model=PreviewOut, responses=problems(400, 404, 415, 422))
def preview_export(runtime: RuntimeOfApp, body: ExportIn) -> PreviewOut:
    """The card of an export before it is made; nothing is stored."""
    job_id = _id_of(body.job_id)
    found = exports.preview(runtime, job_id, body.format, body.options, body.packaging)
    return PreviewOut.model_validate(found)


def _id_of(given: str) -> UUID:
    try:
        return UUID(given)
    except ValueError as error:
        raise no_such("job", given) from error


@router.get("", response_model=PageOf[ExportOut], responses=problems(404, 422))
def list_exports(
    runtime: RuntimeOfApp,
    job_id: Annotated[UUID | None, Query(description="only exports of this job")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> PageOf[ExportOut]:
    """Exports, newest first."""
    page = exports.page(runtime, job_id=job_id, cursor=cursor, limit=limit)
    return shown_page(page, _shown)


@router.get("/{export_id}", response_model=ExportOut, responses=problems(404))
def get_export(runtime: RuntimeOfApp, export_id: UUID) -> ExportOut:
    """One export."""
    return _shown(exports.get(runtime, export_id))


@router.head("/{export_id}/download", include_in_schema=False)
@router.get(
    "/{export_id}/download",
    response_class=Response,
    responses={
        200: {"content": _FILE},
        206: {"description": "The range asked for", "content": _FILE},
        304: {"description": "As the caller has it (If-None-Match)"},
    }
    | problems(404, 409, 416),
    openapi_extra={"x-produces": [*JSONL_TYPES, *FILE_TYPES.values()]},
)
def download_export(request: Request, runtime: RuntimeOfApp, export_id: UUID) -> Response:
    """The file; one Range at a time, and its ETag is its sha256."""
    export, path = exports.file(runtime, export_id)
    return file_response(
        request,
        path,
        name=f"{export.format}-{path.name}",
        media_type=FILE_TYPES[path.suffix],
        etag=f'"{export.sha256}"',
    )


@router.get(
    "/{export_id}/card",
    response_class=Response,
    responses={200: {"content": {MARKDOWN: {"schema": {"type": "string"}}}}} | problems(404, 409),
    openapi_extra={"x-produces": [MARKDOWN]},
)
def export_card(runtime: RuntimeOfApp, export_id: UUID) -> Response:
    """The dataset card: what the file holds, where it came from, under which licences."""
    return Response(exports.card(runtime, export_id), media_type=MARKDOWN)


@router.delete("/{export_id}", status_code=204, response_class=Response, responses=problems(404))
def delete_export(runtime: RuntimeOfApp, export_id: UUID) -> None:
    """Remove an export and its file."""
    exports.delete(runtime, export_id)
