"""Seed sets over HTTP: upload, list, show, page, download, delete."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import StreamingResponse

from app.api.context import RuntimeOfApp
from app.api.errors import HttpRefusal
from app.api.json_body import check_encoding
from app.api.media_types import JSONL, JSONL_TYPES
from app.api.paging import Cursor, Limit, PageOf, shown_page
from app.api.problems import FoundProblem, problems
from app.api.strict_route import StrictRoute
from app.api.upload_file import uploaded
from app.domain.stored import SeedSet, StoredSeed
from app.errors import upload_members
from app.use_cases import seed_sets
from app.use_cases.seed_sets import AddedSeedSet, SeedSetChanges, SeedSetDetails

router = APIRouter(prefix="/v1/seed-sets", tags=["seed sets"], route_class=StrictRoute)
_BLOCK_BYTES = 64 * 1024
_UPLOAD = {
    "requestBody": {
        "required": True,
        "description": "One seed per line, as UTF-8: `{id, name, instruction, instances: [{input, "
        "output}], is_classification}`, `{instruction, input, output}` or `{instruction}`.",
        "content": {kind: {"schema": {"type": "string"}} for kind in JSONL_TYPES},
    }
}


class SeedSetOut(BaseModel):
    """A set of seeds."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    language: str
    licence: str
    source: str
    tokens: str = Field(description="tokenizer of its novelty checks: rouge or unicode")
    sha256: str = Field(description="of the uploaded file")
    row_count: int
    created_at: datetime
    kind: str = Field(description="tasks, or documents, whose chunks are its seeds")


class SeedSetChangesIn(BaseModel):
    """What shall be different; what is left out or null stays as it is."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str | None = Field(default=None, description="at most 200 characters")
    language: str | None = Field(default=None, description="language tag, such as en or zh-Hans")
    licence: str | None = Field(default=None, description="licence of the seeds")
    source: str | None = Field(default=None, description="where the seeds come from")


class UploadReportOut(BaseModel):
    """What the reader found in the file."""

    lines_read: int
    error_count: int
    truncated: bool
    errors: list[FoundProblem] = Field(description="lines left out, the first hundred")


class AddedSeedSetOut(SeedSetOut):
    """A set after an upload; `created` is false when the same file is there already."""

    created: bool
    report: UploadReportOut


class InstanceOut(BaseModel):
    """One worked example."""

    model_config = ConfigDict(from_attributes=True)

    input: str
    output: str


class SeedOut(BaseModel):
    """One seed; `position` counts from 0 in file order."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    position: int
    external_id: str | None = Field(description="the `id` of the uploaded row")
    name: str | None
    instruction: str
    instances: list[InstanceOut]
    is_classification: bool | None
    facts: dict[str, str] | None = Field(description="of a chunk: its document, id and place")


@router.post(
    "",
    status_code=201,
    response_model=AddedSeedSetOut,
    response_model_exclude_unset=True,
    responses={200: {"model": AddedSeedSetOut, "description": "The same file is there already"}}
    | problems(400, 408, 413, 415, 422, 507),
    openapi_extra=_UPLOAD,
)
async def add_seed_set(
    request: Request,
    response: Response,
    runtime: RuntimeOfApp,
    name: Annotated[str, Query(description="at most 200 characters")],
    language: Annotated[str, Query(description="language tag, such as en or zh-Hans")] = "en",
    licence: Annotated[str, Query(description="licence of the seeds")] = "unknown",
    source: Annotated[str, Query(description="where the seeds come from")] = "uploaded",
    tokens: Annotated[
        Literal["rouge", "unicode"] | None, Query(description="default: by language")
    ] = None,
    on_error: Annotated[
        Literal["reject", "skip"], Query(description="store nothing, or the good lines")
    ] = "reject",
    dedupe: Annotated[bool, Query(description="keep the first of equal rows")] = False,
) -> AddedSeedSetOut:
    """Store a JSONL file as a set of seeds: all of it, or nothing and the list of bad lines."""
    check_jsonl(request)
    details = SeedSetDetails(name, language, licence, source, tokens)
    limit = runtime.settings.max_upload_mib << 20
    async with uploaded(request, runtime.settings.home / "uploads", limit) as chunks:
        store = partial(seed_sets.add, runtime, details, on_error=on_error, dedupe=dedupe)
        limiter = request.app.state.upload_limiter
        added = await to_thread.run_sync(store, chunks, limiter=limiter)
    response.status_code = 201 if added.created else 200
    response.headers["Location"] = f"{router.prefix}/{added.seed_set.id}"
    return _added(added)


def check_jsonl(request: Request) -> None:
    """Refuse whatever is not JSONL as plain UTF-8; raises HttpRefusal."""
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    if media_type.strip().lower() not in JSONL_TYPES:
        detail = f"Send JSONL, one object a line, with a Content-Type of {', '.join(JSONL_TYPES)}."
        raise HttpRefusal(415, detail, headers={"Accept-Post": ", ".join(JSONL_TYPES)})
    check_encoding(request, parameters)


def _added(added: AddedSeedSet) -> AddedSeedSetOut:
    report = UploadReportOut.model_validate(upload_members(added.report))
    known = SeedSetOut.model_validate(added.seed_set).model_dump()
    return AddedSeedSetOut(**known, created=added.created, report=report)


@router.get("", response_model=PageOf[SeedSetOut], responses=problems(422))
def list_seed_sets(
    runtime: RuntimeOfApp, cursor: Cursor = None, limit: Limit = 50
) -> PageOf[SeedSetOut]:
    """Sets of seeds, newest first."""
    page = seed_sets.page(runtime, cursor=cursor, limit=limit)
    return shown_page(page, _shown)


def _shown(seed_set: SeedSet) -> SeedSetOut:
    return SeedSetOut.model_validate(seed_set)


@router.get("/{seed_set_id}", response_model=SeedSetOut, responses=problems(404))
def get_seed_set(runtime: RuntimeOfApp, seed_set_id: UUID) -> SeedSetOut:
    """One set of seeds."""
    return _shown(seed_sets.get(runtime, seed_set_id))


@router.patch("/{seed_set_id}", response_model=SeedSetOut, responses=problems(400, 404, 415, 422))
def change_seed_set(runtime: RuntimeOfApp, seed_set_id: UUID, body: SeedSetChangesIn) -> SeedSetOut:
    """Change what is said about a set: name, language, licence, source."""
    changes = SeedSetChanges(**body.model_dump())
    return _shown(seed_sets.change(runtime, seed_set_id, changes))


@router.get("/{seed_set_id}/seeds", response_model=PageOf[SeedOut], responses=problems(404, 422))
def list_seeds(
    runtime: RuntimeOfApp, seed_set_id: UUID, cursor: Cursor = None, limit: Limit = 50
) -> PageOf[SeedOut]:
    """The seeds of a set, in file order."""
    page = seed_sets.page_seeds(runtime, seed_set_id, cursor=cursor, limit=limit)
    return shown_page(page, SeedOut.model_validate)


@router.get(
    "/{seed_set_id}/download",
    response_class=Response,
    responses={200: {"content": {JSONL: {"schema": {"type": "string"}}}}} | problems(404),
    openapi_extra={"x-produces": JSONL_TYPES},
)
def download_seed_set(runtime: RuntimeOfApp, seed_set_id: UUID) -> StreamingResponse:
    """Every seed in the schema of Self-Instruct's seed tasks, one a line, in file order."""
    seeds = seed_sets.download(runtime, seed_set_id)
    disposition = f'attachment; filename="seed-set-{seed_set_id}.jsonl"'
    headers = {"Content-Disposition": disposition}
    return StreamingResponse(_blocks(seeds), headers=headers, media_type=JSONL)


def _blocks(seeds: Iterator[StoredSeed]) -> Iterator[bytes]:
    """Lines in blocks: each block is one hop between threads."""
    block = bytearray()
    for seed in seeds:
        block += orjson.dumps(_line(seed), option=orjson.OPT_APPEND_NEWLINE)
        if len(block) >= _BLOCK_BYTES:
            yield bytes(block)
            block.clear()
    yield bytes(block)


def _line(seed: StoredSeed) -> dict[str, Any]:
    return {
        "id": seed.external_id or f"seed_task_{seed.position}",
        "name": seed.name,
        "instruction": seed.instruction,
        "instances": [{"input": each.input, "output": each.output} for each in seed.instances],
        "is_classification": seed.is_classification,
    }


@router.delete(
    "/{seed_set_id}", status_code=204, response_class=Response, responses=problems(404, 409)
)
def delete_seed_set(runtime: RuntimeOfApp, seed_set_id: UUID) -> None:
    """Remove a set that no job uses."""
    seed_sets.delete(runtime, seed_set_id)
