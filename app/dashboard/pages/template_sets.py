"""Template sets and labelled sets: upload them, see what was found, try one on the other."""

from functools import partial
from uuid import UUID

from anyio import to_thread
from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from app.dashboard.context import RuntimeOfApp, from_our_pages, page_router
from app.dashboard.forms import Form, by_field
from app.dashboard.material_upload import Uploaded, store_rows, store_templates, uploaded
from app.dashboard.rendering import page
from app.errors import InvalidUpload
from app.runtime import Runtime
from app.use_cases import labelled_sets, template_sets
from app.use_cases.template_sets import PreviewWish

MOST_LISTED = 50
ROWS_TRIED = 3
_LIST = "/dashboard/template-sets"

router = page_router()


@router.get(_LIST)
def template_set_list(runtime: RuntimeOfApp) -> Response:
    """Template sets and labelled sets, newest first, and the forms of their uploads."""
    return _list(runtime, Uploaded(Form({"language": ["en"]})))


@router.post(_LIST, dependencies=from_our_pages)
async def upload_templates(request: Request, runtime: RuntimeOfApp) -> Response:
    """Check and store a file of templates; every fault is named with its line."""
    found = await uploaded(request, runtime, store_templates, "file")
    if found.stored is not None:
        return RedirectResponse(f"{_LIST}/{found.stored}", status_code=303)
    return await to_thread.run_sync(_list, runtime, found)


@router.post("/dashboard/labelled-sets", dependencies=from_our_pages)
async def upload_rows(request: Request, runtime: RuntimeOfApp) -> Response:
    """Store a file of labelled rows whole or not at all; bad rows are named."""
    found = await uploaded(request, runtime, store_rows, "rows_file")
    if found.stored is not None:
        return RedirectResponse(f"{_LIST}#labelled", status_code=303)
    return await to_thread.run_sync(_list, runtime, found)


def _list(runtime: Runtime, found: Uploaded) -> Response:
    error = found.error
    problems = error.problems if error else ()
    return page(
        "template_sets.html",
        422 if error else 200,
        templates=template_sets.page(runtime, limit=MOST_LISTED).items,
        labelled=labelled_sets.page(runtime, limit=MOST_LISTED).items,
        form=found.form,
        error=error,
        report=error.report if isinstance(error, InvalidUpload) else None,
        problems=problems,
        wrong=by_field(problems),
    )


@router.get(_LIST + "/{template_set_id}")
async def one_template_set(
    request: Request, runtime: RuntimeOfApp, template_set_id: UUID, rows: UUID | None = None
) -> Response:
    """One set, what its templates need, and what the first rows of a labelled set become."""
    show = partial(_shown, runtime, template_set_id, rows)
    return await to_thread.run_sync(show, limiter=request.app.state.upload_limiter)


def _shown(runtime: Runtime, template_set_id: UUID, rows: UUID | None) -> Response:
    found = template_sets.get(runtime, template_set_id)
    tried = ()
    if rows is not None:
        tried = template_sets.preview(runtime, template_set_id, PreviewWish(rows, ROWS_TRIED))
    labelled = labelled_sets.page(runtime, limit=MOST_LISTED).items
    return page("template_set.html", set=found, labelled=labelled, rows=rows, tried=tried)


@router.post(_LIST + "/{template_set_id}/delete", dependencies=from_our_pages)
def delete_template_set(runtime: RuntimeOfApp, template_set_id: UUID) -> Response:
    """Remove a set that no job uses."""
    template_sets.delete(runtime, template_set_id)
    return RedirectResponse(_LIST, status_code=303)


@router.post("/dashboard/labelled-sets/{labelled_set_id}/delete", dependencies=from_our_pages)
def delete_labelled_set(runtime: RuntimeOfApp, labelled_set_id: UUID) -> Response:
    """Remove a set that no job uses."""
    labelled_sets.delete(runtime, labelled_set_id)
    return RedirectResponse(_LIST, status_code=303)
