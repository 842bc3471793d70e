"""Documents: upload them into sets, see what was read, have a job ask about them."""

from uuid import UUID

from anyio import to_thread
from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from app.dashboard.context import RuntimeOfApp, from_our_pages, page_router
from app.dashboard.forms import Form, by_field
from app.dashboard.material_upload import Uploaded, store_document, uploaded
from app.dashboard.rendering import page
from app.errors import InvalidDocument
from app.runtime import Runtime
from app.use_cases import document_sets
from app.use_cases.document_sets import MOST_BYTES, USUAL_CHARACTERS

MOST_LISTED = 50
CHUNKS_SHOWN = 20
_LIST = "/dashboard/documents"
_EMPTY = {"language": ["en"], "chunk_characters": [str(USUAL_CHARACTERS)]}

router = page_router()


@router.get(_LIST)
def document_list(runtime: RuntimeOfApp, into: UUID | None = None) -> Response:
    """Sets of documents, newest first, and the form of an upload."""
    chosen = {"document_set_id": [str(into)]} if into else {}
    return _list(runtime, Uploaded(Form({**_EMPTY, **chosen})))


@router.post(_LIST, dependencies=from_our_pages)
async def upload_document(request: Request, runtime: RuntimeOfApp) -> Response:
    """Read a document and store its chunks, or say what is wrong with it."""
    found = await uploaded(request, runtime, store_document, "document", most_bytes=MOST_BYTES)
    if found.stored is not None:
        return RedirectResponse(f"{_LIST}/{found.stored}", status_code=303)
    return await to_thread.run_sync(_list, runtime, found)


def _list(runtime: Runtime, found: Uploaded) -> Response:
    error = found.error
    problems = error.problems if error else ()
    return page(
        "documents.html",
        422 if error else 200,
        sets=document_sets.page(runtime, limit=MOST_LISTED).items,
        form=found.form,
        error=error,
        faults=error.found if isinstance(error, InvalidDocument) else (),
        problems=problems,
        wrong=by_field(problems),
    )


@router.get(_LIST + "/{document_set_id}")
def one_document_set(
    runtime: RuntimeOfApp, document_set_id: UUID, cursor: str | None = None
) -> Response:
    """One set: its documents with what was wrong with them, and its chunks with their places."""
    found = document_sets.get(runtime, document_set_id)
    chunks = document_sets.page_chunks(runtime, document_set_id, cursor=cursor, limit=CHUNKS_SHOWN)
    documents = document_sets.page_documents(runtime, document_set_id, limit=500).items
    return page(
        "document_set.html",
        set=found,
        documents=documents,
        chunks=chunks.items,
        cursor=cursor,
        next=chunks.next,
    )


@router.post(_LIST + "/{document_set_id}/delete", dependencies=from_our_pages)
def delete_document_set(runtime: RuntimeOfApp, document_set_id: UUID) -> Response:
    """Remove a set that no job uses."""
    document_sets.delete(runtime, document_set_id)
    return RedirectResponse(_LIST, status_code=303)


@router.post(_LIST + "/{document_set_id}/{document_id}/delete", dependencies=from_our_pages)
def delete_document(runtime: RuntimeOfApp, document_set_id: UUID, document_id: UUID) -> Response:
    """Remove one document from a set that no job uses."""
    document_sets.delete_document(runtime, document_set_id, document_id)
    return RedirectResponse(f"{_LIST}/{document_set_id}", status_code=303)
