"""Sets of documents over HTTP: make one, upload to it, list, read chunks, delete."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.context import RuntimeOfApp
from app.api.errors import HttpRefusal
from app.api.json_body import check_encoding
from app.api.once import OnceOfRequest, tell
from app.api.paging import Cursor, Limit, PageOf, shown_page
from app.api.problems import FoundProblem, problems
from app.api.seed_sets import SeedSetOut
from app.api.strict_route import StrictRoute
from app.api.upload_file import uploaded
from app.domain.documents import DocumentKind
from app.domain.stored import StoredDocument, StoredSeed
from app.use_cases import document_sets
from app.use_cases.document_sets import MOST_BYTES, USUAL_CHARACTERS, DocumentDetails
from app.use_cases.seed_sets import SeedSetDetails

router = APIRouter(prefix="/v1/document-sets", tags=["document sets"], route_class=StrictRoute)
KINDS_BY_TYPE: Mapping[str, DocumentKind] = {
    "text/plain": DocumentKind.TEXT,
    "text/markdown": DocumentKind.MARKDOWN,
    "text/html": DocumentKind.HTML,
    "application/xhtml+xml": DocumentKind.HTML,
    "application/pdf": DocumentKind.PDF,
}
_UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The document itself, as its Content-Type says; text is UTF-8.",
        "content": {kind: {"schema": {"type": "string"}} for kind in KINDS_BY_TYPE},
    }
}


class DocumentSetIn(BaseModel):
    """A set of documents to make; it is empty at first."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(description="at most 200 characters")
    language: str = Field(default="en", description="language tag, such as en or zh-Hans")
    licence: str = Field(default="unknown", description="licence of the documents")
    source: str = Field(default="uploaded", description="where the documents come from")
    tokens: Literal["rouge", "unicode"] | None = Field(
        default=None, description="default: by language"
    )


class DocumentOut(BaseModel):
    """A document of a set; `problems` are those that it was taken with."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    kind: DocumentKind
    sha256: str
    bytes: int
    characters: int = Field(description="of the text that was read out")
    pages: int | None
    chunk_characters: int
    chunk_count: int
    problems: list[FoundProblem]
    created_at: datetime


class AddedDocumentOut(DocumentOut):
    """A document after its upload; `created` is false when it was in the set already."""

    created: bool


class ChunkOut(BaseModel):
    """One chunk, with what a row that is made from it cites."""

    id: UUID
    position: int
    document: str
    chunk: str = Field(description="its name: the document's, and its number in it")
    place: str
    heading: str | None
    pages: str | None
    characters: str = Field(description="from and up to, in the text that was read out")
    text: str


@router.post("", status_code=201, response_model=SeedSetOut, responses=problems(400, 415, 422))
def add_document_set(
    runtime: RuntimeOfApp, body: DocumentSetIn, response: Response, once: OnceOfRequest
) -> SeedSetOut:
    """Make an empty set; its id is the `seed_set_id` of a job."""
    made = document_sets.create(runtime, SeedSetDetails(**body.model_dump()), once)
    tell(response, once)
    response.headers["Location"] = f"{router.prefix}/{made.id}"
    return SeedSetOut.model_validate(made)


@router.get("", response_model=PageOf[SeedSetOut], responses=problems(422))
def list_document_sets(
    runtime: RuntimeOfApp, cursor: Cursor = None, limit: Limit = 50
) -> PageOf[SeedSetOut]:
    """Sets of documents, newest first."""
    page = document_sets.page(runtime, cursor=cursor, limit=limit)
    return shown_page(page, SeedSetOut.model_validate)


@router.get("/{document_set_id}", response_model=SeedSetOut, responses=problems(404))
def get_document_set(runtime: RuntimeOfApp, document_set_id: UUID) -> SeedSetOut:
    """One set of documents; `row_count` counts its chunks."""
    return SeedSetOut.model_validate(document_sets.get(runtime, document_set_id))


@router.post(
    "/{document_set_id}/documents",
    status_code=201,
    response_model=AddedDocumentOut,
    response_model_exclude_none=False,
    responses={200: {"model": AddedDocumentOut, "description": "The same document is there"}}
    | problems(400, 404, 408, 409, 413, 415, 422, 507),
    openapi_extra=_UPLOAD,
)
async def add_document(
    request: Request,
    response: Response,
    runtime: RuntimeOfApp,
    document_set_id: UUID,
    name: Annotated[str, Query(description="at most 200 characters; rows cite it")],
    chunk_characters: Annotated[
        int, Query(description="characters of a chunk at most, from 200 to 16,000")
    ] = USUAL_CHARACTERS,
) -> AddedDocumentOut:
    """Read a document and store its chunks: all of it, or nothing and what is wrong with it."""
    details = DocumentDetails(name, _kind(request), chunk_characters)
    limit = min(runtime.settings.max_upload_mib << 20, MOST_BYTES)
    async with uploaded(request, runtime.settings.home / "uploads", limit) as chunks:
        store = partial(document_sets.add_document, runtime, document_set_id, details)
        limiter = request.app.state.upload_limiter
        added = await to_thread.run_sync(store, chunks, limiter=limiter)
    response.status_code = 201 if added.created else 200
    known = _shown(added.document).model_dump()
    return AddedDocumentOut(**known, created=added.created)


def _kind(request: Request) -> DocumentKind:
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    kind = KINDS_BY_TYPE.get(media_type.strip().lower())
    if kind is None:
        detail = f"Send the document with a Content-Type of {', '.join(KINDS_BY_TYPE)}."
        raise HttpRefusal(415, detail, headers={"Accept-Post": ", ".join(KINDS_BY_TYPE)})
    check_encoding(request, parameters)
    return kind


def _shown(document: StoredDocument) -> DocumentOut:
    return DocumentOut.model_validate(document)


@router.get(
    "/{document_set_id}/documents",
    response_model=PageOf[DocumentOut],
    responses=problems(404, 422),
)
def list_documents(
    runtime: RuntimeOfApp, document_set_id: UUID, cursor: Cursor = None, limit: Limit = 50
) -> PageOf[DocumentOut]:
    """The documents of a set, in the order in which they came."""
    page = document_sets.page_documents(runtime, document_set_id, cursor=cursor, limit=limit)
    return shown_page(page, _shown)


@router.get(
    "/{document_set_id}/chunks", response_model=PageOf[ChunkOut], responses=problems(404, 422)
)
def list_chunks(
    runtime: RuntimeOfApp, document_set_id: UUID, cursor: Cursor = None, limit: Limit = 50
) -> PageOf[ChunkOut]:
    """The chunks of a set, document by document."""
    page = document_sets.page_chunks(runtime, document_set_id, cursor=cursor, limit=limit)
    return shown_page(page, _chunk)


def _chunk(seed: StoredSeed) -> ChunkOut:
    facts = {"heading": None, "pages": None, **(seed.facts or {})}
    return ChunkOut.model_validate(
        {**facts, "id": seed.id, "position": seed.position, "text": seed.instruction}
    )


@router.delete(
    "/{document_set_id}/documents/{document_id}",
    status_code=204,
    response_class=Response,
    responses=problems(404, 409),
)
def delete_document(runtime: RuntimeOfApp, document_set_id: UUID, document_id: UUID) -> None:
    """Remove a document from a set that no job uses."""
    document_sets.delete_document(runtime, document_set_id, document_id)


@router.delete(
    "/{document_set_id}", status_code=204, response_class=Response, responses=problems(404, 409)
)
def delete_document_set(runtime: RuntimeOfApp, document_set_id: UUID) -> None:
    """Remove a set that no job uses, with its documents."""
    document_sets.delete(runtime, document_set_id)
