"""Labelled sets over HTTP: upload, list, show, page, delete."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.context import RuntimeOfApp
from app.api.errors import HttpRefusal
from app.api.json_body import check_encoding
from app.api.media_types import JSONL_TYPES
from app.api.paging import Cursor, Limit, PageOf, shown_page
from app.api.problems import problems
from app.api.strict_route import StrictRoute
from app.api.upload_file import uploaded
from app.domain.labelled import read_columns
from app.domain.materials import LabelledSet
from app.use_cases import labelled_sets
from app.use_cases.labelled_sets import LabelledSetDetails

router = APIRouter(prefix="/v1/labelled-sets", tags=["labelled sets"], route_class=StrictRoute)
_ENDINGS = {
    **dict.fromkeys(JSONL_TYPES, ".jsonl"),
    "application/json": ".json",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/vnd.apache.parquet": ".parquet",
}
_UPLOAD = {
    "requestBody": {
        "required": True,
        "description": "Rows with named columns: JSONL, a JSON list, CSV or Parquet.",
        "content": {kind: {"schema": {"type": "string"}} for kind in _ENDINGS},
    }
}


class ColumnOut(BaseModel):
    """What a column holds."""

    types: list[str] = Field(description="text, int, float, bool, list, object or null")
    label_names: list[str] | None = Field(description="its classes by number, where it has some")


class LabelledSetOut(BaseModel):
    """A set of labelled rows."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    language: str
    licence: str
    source: str
    sha256: str = Field(description="of the uploaded file")
    columns: dict[str, ColumnOut]
    row_count: int
    created_at: datetime


class AddedLabelledSetOut(LabelledSetOut):
    """A set after an upload; `created` is false when the same file, told so, is there already."""

    created: bool


class LabelledRowOut(BaseModel):
    """One labelled row; `row` counts from 0 in file order."""

    row: int
    fields: dict[str, Any]


@router.post(
    "",
    status_code=201,
    response_model=AddedLabelledSetOut,
    responses={200: {"model": AddedLabelledSetOut, "description": "The same file is there already"}}
    | problems(400, 408, 413, 415, 422, 507),
    openapi_extra=_UPLOAD,
)
async def add_labelled_set(
    request: Request,
    response: Response,
    runtime: RuntimeOfApp,
    name: Annotated[str, Query(description="at most 200 characters")],
    language: Annotated[str, Query(description="language tag, such as en or zh-Hans")] = "en",
    licence: Annotated[str, Query(description="licence of the rows")] = "unknown",
    source: Annotated[str, Query(description="where the rows come from")] = "uploaded",
    type: Annotated[
        list[str] | None,
        Query(description="COLUMN=text, int, float or bool; may be repeated"),
    ] = None,
    label_names: Annotated[
        list[str] | None,
        Query(description="COLUMN=a,b,c: the classes of a label column; may be repeated"),
    ] = None,
) -> AddedLabelledSetOut:
    """Store labelled rows: all of the file, or nothing and the list of bad rows."""
    ending = _ending(request)
    columns = read_columns(type or (), label_names or ())
    details = LabelledSetDetails(name, language, licence, source, columns, ending)
    limit = runtime.settings.max_upload_mib << 20
    async with uploaded(request, runtime.settings.home / "uploads", limit) as chunks:
        limiter = request.app.state.upload_limiter
        store = partial(labelled_sets.add, runtime, details)
        added = await to_thread.run_sync(store, chunks, limiter=limiter)
    response.status_code = 201 if added.created else 200
    response.headers["Location"] = f"{router.prefix}/{added.labelled_set.id}"
    known = _shown(added.labelled_set).model_dump()
    return AddedLabelledSetOut(**known, created=added.created)


def _ending(request: Request) -> str:
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    kind = media_type.strip().lower()
    if kind not in _ENDINGS:
        detail = f"Send rows with a Content-Type of {', '.join(_ENDINGS)}."
        raise HttpRefusal(415, detail, headers={"Accept-Post": ", ".join(_ENDINGS)})
    check_encoding(request, parameters)
    return _ENDINGS[kind]


@router.get("", response_model=PageOf[LabelledSetOut], responses=problems(422))
def list_labelled_sets(
    runtime: RuntimeOfApp, cursor: Cursor = None, limit: Limit = 50
) -> PageOf[LabelledSetOut]:
    """Sets of labelled rows, newest first."""
    return shown_page(labelled_sets.page(runtime, cursor=cursor, limit=limit), _shown)


def _shown(labelled_set: LabelledSet) -> LabelledSetOut:
    return LabelledSetOut.model_validate(labelled_set)


@router.get("/{labelled_set_id}", response_model=LabelledSetOut, responses=problems(404))
def get_labelled_set(runtime: RuntimeOfApp, labelled_set_id: UUID) -> LabelledSetOut:
    """One set of labelled rows."""
    return _shown(labelled_sets.get(runtime, labelled_set_id))


@router.get(
    "/{labelled_set_id}/rows",
    response_model=PageOf[LabelledRowOut],
    responses=problems(404, 422),
)
def list_labelled_rows(
    runtime: RuntimeOfApp, labelled_set_id: UUID, cursor: Cursor = None, limit: Limit = 50
) -> PageOf[LabelledRowOut]:
    """The rows of a set, typed, in file order."""
    page = labelled_sets.page_rows(runtime, labelled_set_id, cursor=cursor, limit=limit)
    return shown_page(page, lambda each: LabelledRowOut(row=each[0], fields=each[1]))


@router.delete(
    "/{labelled_set_id}", status_code=204, response_class=Response, responses=problems(404, 409)
)
def delete_labelled_set(runtime: RuntimeOfApp, labelled_set_id: UUID) -> None:
    """Remove a set that no job uses."""
    labelled_sets.delete(runtime, labelled_set_id)
