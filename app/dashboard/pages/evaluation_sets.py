"""Evaluation sets, which rows are held against: upload them, look through them, remove them."""

from uuid import UUID

from anyio import to_thread
from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from app.dashboard.context import RuntimeOfApp, from_our_pages, page_router
from app.dashboard.forms import Form, by_field
from app.dashboard.material_upload import Uploaded, store_items, uploaded
from app.dashboard.rendering import page
from app.errors import InvalidUpload
from app.runtime import Runtime
from app.use_cases import evaluation_sets

PAGE_SIZE = 25
ITEMS_SHOWN = 20
_LIST = "/dashboard/evaluation-sets"

router = page_router()


@router.get(_LIST)
def evaluation_set_list(runtime: RuntimeOfApp, cursor: str | None = None) -> Response:
    """Evaluation sets, newest first, and the form of an upload."""
    return _list(runtime, Uploaded(Form()), cursor)


@router.post(_LIST, dependencies=from_our_pages)
async def upload_evaluation_set(request: Request, runtime: RuntimeOfApp) -> Response:
    """Store a file whole or not at all; its bad lines are named."""
    found = await uploaded(request, runtime, store_items, "file")
    if found.stored is not None:
        return RedirectResponse(f"{_LIST}/{found.stored}", status_code=303)
    return await to_thread.run_sync(_list, runtime, found)


def _list(runtime: Runtime, found: Uploaded, cursor: str | None = None) -> Response:
    error = found.error
    problems = error.problems if error else ()
    listed = evaluation_sets.page(runtime, cursor=cursor, limit=PAGE_SIZE)
    return page(
        "evaluation_sets.html",
        422 if error else 200,
        sets=listed.items,
        next=listed.next,
        cursor=cursor,
        form=found.form,
        error=error,
        faults=error.report.errors if isinstance(error, InvalidUpload) else (),
        problems=problems,
        wrong=by_field(problems),
    )


@router.get(_LIST + "/{evaluation_set_id}")
def one_evaluation_set(
    runtime: RuntimeOfApp, evaluation_set_id: UUID, cursor: str | None = None
) -> Response:
    """One set and its items, page by page."""
    found = evaluation_sets.get(runtime, evaluation_set_id)
    items = evaluation_sets.page_items(runtime, evaluation_set_id, cursor=cursor, limit=ITEMS_SHOWN)
    return page("evaluation_set.html", set=found, items=items.items, next=items.next, cursor=cursor)


@router.post(_LIST + "/{evaluation_set_id}/delete", dependencies=from_our_pages)
def delete_evaluation_set(runtime: RuntimeOfApp, evaluation_set_id: UUID) -> Response:
    """Remove a set that no job is held against."""
    evaluation_sets.delete(runtime, evaluation_set_id)
    return RedirectResponse(_LIST, status_code=303)
