"""Evaluation sets over HTTP: upload, list, show, page, delete."""

from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.context import RuntimeOfApp
from app.api.media_types import JSONL_TYPES
from app.api.paging import Cursor, Limit, PageOf, shown_page
from app.api.problems import problems
from app.api.seed_sets import InstanceOut, check_jsonl
from app.api.strict_route import StrictRoute
from app.api.upload_file import uploaded
from app.use_cases import evaluation_sets
from app.use_cases.evaluation_sets import EvaluationSetDetails

router = APIRouter(prefix="/v1/evaluation-sets", tags=["evaluation sets"], route_class=StrictRoute)
_UPLOAD = {
    "requestBody": {
        "required": True,
        "description": "One item per line, as UTF-8, in the shapes that seed sets take; of equal "
        "lines the first is kept.",
        "content": {kind: {"schema": {"type": "string"}} for kind in JSONL_TYPES},
    }
}


class EvaluationSetOut(BaseModel):
    """A set that rows are held against."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    licence: str
    source: str
    sha256: str = Field(description="of the uploaded file")
    row_count: int
    created_at: datetime


class AddedEvaluationSetOut(EvaluationSetOut):
    """A set after an upload; `created` is false when the same file is there already."""

    created: bool


class ItemOut(BaseModel):
    """One item; `position` counts from 0 in file order."""

    model_config = ConfigDict(from_attributes=True)

    position: int
    instruction: str
    instances: list[InstanceOut]


@router.post(
    "",
    status_code=201,
    response_model=AddedEvaluationSetOut,
    responses={
        200: {"model": AddedEvaluationSetOut, "description": "The same file is there already"}
    }
    | problems(400, 408, 413, 415, 422, 507),
    openapi_extra=_UPLOAD,
)
async def add_evaluation_set(
    request: Request,
    response: Response,
    runtime: RuntimeOfApp,
    name: Annotated[str, Query(description="at most 200 characters")],
    licence: Annotated[str, Query(description="licence of the items")] = "unknown",
    source: Annotated[str, Query(description="where the items come from")] = "uploaded",
) -> AddedEvaluationSetOut:
    """Store a JSONL file as an evaluation set: all of it, or nothing and the list of bad lines."""
    check_jsonl(request)
    details = EvaluationSetDetails(name, licence, source)
    limit = runtime.settings.max_upload_mib << 20
    async with uploaded(request, runtime.settings.home / "uploads", limit) as chunks:
        store = partial(evaluation_sets.add, runtime, details)
        added = await to_thread.run_sync(store, chunks, limiter=request.app.state.upload_limiter)
    response.status_code = 201 if added.created else 200
    response.headers["Location"] = f"{router.prefix}/{added.evaluation_set.id}"
    known = EvaluationSetOut.model_validate(added.evaluation_set).model_dump()
    return AddedEvaluationSetOut(**known, created=added.created)


@router.get("", response_model=PageOf[EvaluationSetOut], responses=problems(422))
def list_evaluation_sets(
    runtime: RuntimeOfApp, cursor: Cursor = None, limit: Limit = 50
) -> PageOf[EvaluationSetOut]:
    """Evaluation sets, newest first."""
    page = evaluation_sets.page(runtime, cursor=cursor, limit=limit)
    return shown_page(page, EvaluationSetOut.model_validate)


@router.get("/{evaluation_set_id}", response_model=EvaluationSetOut, responses=problems(404))
def get_evaluation_set(runtime: RuntimeOfApp, evaluation_set_id: UUID) -> EvaluationSetOut:
    """One evaluation set."""
    return EvaluationSetOut.model_validate(evaluation_sets.get(runtime, evaluation_set_id))


@router.get(
    "/{evaluation_set_id}/items", response_model=PageOf[ItemOut], responses=problems(404, 422)
)
def list_items(
    runtime: RuntimeOfApp, evaluation_set_id: UUID, cursor: Cursor = None, limit: Limit = 50
) -> PageOf[ItemOut]:
    """The items of a set, in file order."""
    page = evaluation_sets.page_items(runtime, evaluation_set_id, cursor=cursor, limit=limit)
    return shown_page(page, ItemOut.model_validate)


@router.delete(
    "/{evaluation_set_id}", status_code=204, response_class=Response, responses=problems(404, 409)
)
def delete_evaluation_set(runtime: RuntimeOfApp, evaluation_set_id: UUID) -> None:
    """Remove a set that no job is held against."""
    evaluation_sets.delete(runtime, evaluation_set_id)
