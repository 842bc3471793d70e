"""Seed sets: upload one, look through it, change what is said about it, remove it."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from anyio import to_thread
from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from app.dashboard.context import RuntimeOfApp, from_our_pages, page_router
from app.dashboard.forms import Form, SentForm, by_field
from app.dashboard.rendering import page
from app.dashboard.seed_upload import Upload, read_upload
from app.domain.stored import SeedSet
from app.errors import InvalidInput, InvalidUpload, Problem, UploadReport
from app.runtime import Runtime
from app.use_cases import seed_sets
from app.use_cases.seed_sets import SeedSetChanges

PAGE_SIZE = 25
SEEDS_SHOWN = 20
# The fields beside the file.
_ROOM_BYTES = 2 * 1024 * 1024

router = page_router()


@router.get("/dashboard/seed-sets")
def seed_set_list(runtime: RuntimeOfApp, cursor: str | None = None) -> Response:
    """Seed sets, newest first, and the form of an upload."""
    return _list(runtime, Form({"language": ["en"]}), cursor=cursor)


@router.post("/dashboard/seed-sets", dependencies=from_our_pages)
async def upload(request: Request, runtime: RuntimeOfApp) -> Response:
    """Store a file whole or not at all; its bad lines are named."""
    limit = (runtime.settings.max_upload_mib << 20) + _ROOM_BYTES
    directory = runtime.settings.home / "uploads"
    async with request.app.state.uploaded(request, directory, limit) as chunks:
        kind = request.headers.get("content-type", "")
        store = partial(read_upload, runtime, kind, chunks)
        found = await to_thread.run_sync(store, limiter=request.app.state.upload_limiter)
    return await to_thread.run_sync(_answer, runtime, found)


def _answer(runtime: Runtime, found: Upload) -> Response:
    if found.added is not None:
        skipped = found.added.report.error_count
        query = f"?skipped={skipped}" if skipped else "" if found.added.created else "?known=1"
        return RedirectResponse(
            f"/dashboard/seed-sets/{found.added.seed_set.id}{query}", status_code=303
        )
    report = found.error.report if isinstance(found.error, InvalidUpload) else None
    return _list(runtime, found.form, found.error, report)


def _list(
    runtime: Runtime,
    form: Form,
    error: InvalidInput | None = None,
    report: UploadReport | None = None,
    cursor: str | None = None,
) -> Response:
    found = seed_sets.page(runtime, cursor=cursor, limit=PAGE_SIZE)
    problems = error.problems if error else ()
    return page(
        "seed_sets.html",
        422 if error else 200,
        sets=found.items,
        next=found.next,
        cursor=cursor,
        form=form,
        error=error,
        report=report,
        problems=problems,
        wrong=by_field(problems),
        limit_mib=runtime.settings.max_upload_mib,
    )


@router.get("/dashboard/seed-sets/{seed_set_id}")
def one_seed_set(
    runtime: RuntimeOfApp,
    seed_set_id: UUID,
    cursor: str | None = None,
    known: bool = False,
    skipped: int = 0,
) -> Response:
    """One set and its seeds, page by page."""
    seed_set = seed_sets.get(runtime, seed_set_id)
    fields = ("name", "language", "licence", "source")
    form = Form({name: [getattr(seed_set, name)] for name in fields})
    return _shown(runtime, seed_set, form, cursor=cursor, known=known, skipped=skipped)


@router.post("/dashboard/seed-sets/{seed_set_id}", dependencies=from_our_pages)
def change_seed_set(runtime: RuntimeOfApp, seed_set_id: UUID, form: SentForm) -> Response:
    """Change what is said about it."""
    changes = SeedSetChanges(
        name=form.text("name"),
        language=form.text("language"),
        licence=form.text("licence"),
        source=form.text("source"),
    )
    try:
        seed_sets.change(runtime, seed_set_id, changes)
    except InvalidInput as error:
        return _shown(runtime, seed_sets.get(runtime, seed_set_id), form, error.problems)
    return RedirectResponse(f"/dashboard/seed-sets/{seed_set_id}", status_code=303)


@router.post("/dashboard/seed-sets/{seed_set_id}/delete", dependencies=from_our_pages)
def delete_seed_set(runtime: RuntimeOfApp, seed_set_id: UUID) -> Response:
    """Remove a set that no job uses."""
    seed_sets.delete(runtime, seed_set_id)
    return RedirectResponse("/dashboard/seed-sets", status_code=303)


def _shown(
    runtime: Runtime,
    seed_set: SeedSet,
    form: Form,
    problems: Sequence[Problem] = (),
    *,
    cursor: str | None = None,
    known: bool = False,
    skipped: int = 0,
) -> Response:
    seeds = seed_sets.page_seeds(runtime, seed_set.id, cursor=cursor, limit=SEEDS_SHOWN)
    return page(
        "seed_set.html",
        422 if problems else 200,
        set=seed_set,
        seeds=seeds.items,
        next=seeds.next,
        cursor=cursor,
        form=form,
        problems=problems,
        wrong=by_field(problems),
        known=known,
        skipped=skipped,
    )
