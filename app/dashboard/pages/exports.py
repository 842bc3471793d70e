"""Exports: choose job and format, follow one while it is made, download it with its checksum."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Depends, Request, Response
from fastapi.responses import RedirectResponse

from app.dashboard.context import RuntimeOfApp, from_our_pages, page_router
from app.dashboard.errors import status_of
from app.dashboard.forms import Form, Reading, SentForm, by_field
from app.dashboard.live import Board, BoardOfApp, Look, first_sight, polled
from app.dashboard.option_fields import PACKAGING, read_options, shown_options
from app.dashboard.rendering import page, rendered
from app.domain.lifecycle import ExportState
from app.domain.stored import ExportRecord
from app.errors import CultivarError, InvalidInput, NotFound, Problem
from app.runtime import Runtime
from app.use_cases import exports, jobs, methods
from app.use_cases.exports import ExportPreview
from app.use_cases.pushing import Pushed

PAGE_SIZE = 25
JOBS_OFFERED = 100

router = page_router()


@dataclass(frozen=True, slots=True)
class ExportLook(Look):
    """One export."""

    export_id: UUID

    def body(self, runtime: Runtime) -> bytes:
        """The export as it stands, with its card once it is there."""
        export = exports.get(runtime, self.export_id)
        ready = export.state is ExportState.READY
        card = exports.card_of(runtime, export) if ready else ""
        under_way = export.state in {ExportState.QUEUED, ExportState.RUNNING}
        values = {"export": export, "card": card, "poll_s": 2 if under_way else 15}
        return rendered("export_fragment.html", **values).encode()


@dataclass(frozen=True, slots=True)
class PushOutcome:
    """What became of a push, if there was one, and the fields as they were typed."""

    form: Form = Form({"private": ["yes"], "revision": ["main"]})  # noqa: RUF009 - it is frozen
    pushed: Pushed | None = None
    error: CultivarError | None = None

    @property
    def problems(self) -> Sequence[Problem]:
        """What is wrong with its fields."""
        return self.error.problems if isinstance(self.error, InvalidInput) else ()


@router.get("/dashboard/exports")
def export_list(
    runtime: RuntimeOfApp,
    job: UUID | Literal[""] | None = None,
    format: str = "alpaca_jsonl",
    cursor: str | None = None,
) -> Response:
    """Exports, newest first, of one job if it is named; and the form of another."""
    form = Form({"job_id": [str(job or "")], "format": [format]})
    return _list(runtime, form, job=job or None, cursor=cursor)


@router.post("/dashboard/exports", dependencies=from_our_pages)
def request_export(runtime: RuntimeOfApp, form: SentForm) -> Response:
    """Ask for an export; a worker makes it. Other buttons show a format's options, or the card."""
    action = form.text("action")
    if action == "format":
        return _list(runtime, form)
    wish, problems = _read(form)
    try:
        if not problems and action == "preview":
            return _list(runtime, form, preview=exports.preview(runtime, *wish))
        if not problems:
            export = exports.request(runtime, *wish)
            return RedirectResponse(f"/dashboard/exports/{export.id}", status_code=303)
    except InvalidInput as error:
        problems = error.problems
    except NotFound as error:
        problems = [Problem("/job_id", error.code, error.detail)]
    return _list(runtime, form, problems)


def _read(
    form: Form,
) -> tuple[tuple[UUID, str, Mapping[str, object], Mapping[str, object]], Sequence[Problem]]:
    """What is to be exported, and how it is to be packed."""
    reading = Reading(form)
    job_id, name = reading.required_id("job_id"), form.text("format")
    known = {each.name: each.options for each in methods.all_formats()}
    options = read_options(known.get(name, ()), form)
    packaging = read_options(methods.packaging_fields(), form, PACKAGING)
    return (job_id, name, options, packaging), reading.problems


def _list(
    runtime: Runtime,
    form: Form,
    problems: Sequence[Problem] = (),
    *,
    job: UUID | None = None,
    cursor: str | None = None,
    preview: ExportPreview | None = None,
) -> Response:
    found = exports.page(runtime, job_id=job, cursor=cursor, limit=PAGE_SIZE)
    formats = methods.all_formats()
    chosen = next((each for each in formats if each.name == form.text("format")), formats[0])
    known = jobs.page(runtime, limit=JOBS_OFFERED).items
    packaging = shown_options(methods.packaging_fields(), {}, form, PACKAGING).own
    return page(
        "exports.html",
        422 if problems else 200,
        exports=found.items,
        next=found.next,
        cursor=cursor,
        job=job,
        jobs=known,
        names={each.job.id: each.job.name for each in known},
        formats=formats,
        chosen=chosen,
        options=shown_options(chosen.options, {}, form).own,
        packaging=packaging,
        is_packed=any(each.given.strip() for each in packaging),
        preview=preview,
        form=form,
        problems=problems,
        wrong=by_field(problems),
    )


def _stored(runtime: RuntimeOfApp, export_id: UUID) -> ExportRecord:
    return exports.get(runtime, export_id)


@router.get("/dashboard/exports/{export_id}")
async def one_export(
    runtime: RuntimeOfApp, board: BoardOfApp, export: Annotated[ExportRecord, Depends(_stored)]
) -> Response:
    """One export."""
    return await export_page(runtime, board, export, PushOutcome())


async def export_page(
    runtime: Runtime, board: Board, export: ExportRecord, outcome: PushOutcome
) -> Response:
    """One export, with what became of a push."""
    return page(
        "export.html",
        status_of(outcome.error) if outcome.error else 200,
        **await first_sight(board, ExportLook(export.id)),
        export=export,
        outcome=outcome,
        form=outcome.form,
        wrong=by_field(outcome.problems),
        hub=_host(runtime.settings.hub_endpoint),
        has_token=runtime.settings.hub_token is not None,
        store=_host(runtime.settings.s3_endpoint or "") or "Amazon S3",
    )


def _host(address: str) -> str:
    """Whose address it is, without a password that may be in it."""
    parts = urlsplit(address)
    return parts.netloc.rpartition("@")[2]


@router.get("/dashboard/exports/{export_id}/fragment")
async def one_export_fragment(request: Request, board: BoardOfApp, export_id: UUID) -> Response:
    """The part of it that changes."""
    return await polled(request, board, ExportLook(export_id))


@router.post("/dashboard/exports/{export_id}/delete", dependencies=from_our_pages)
def delete_export(runtime: RuntimeOfApp, export_id: UUID) -> Response:
    """Remove an export and its file."""
    exports.delete(runtime, export_id)
    return RedirectResponse("/dashboard/exports", status_code=303)
