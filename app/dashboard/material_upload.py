"""The upload forms of templates, labelled rows, documents and evaluation sets: the file last."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import PurePath
from uuid import UUID

from anyio import to_thread
from fastapi import Request

from app.dashboard.forms import Form, Reading
from app.dashboard.multipart import boundary_of, read_parts
from app.domain.documents import KINDS_BY_SUFFIX
from app.domain.labelled import read_columns
from app.errors import InvalidInput, Problem
from app.runtime import Runtime
from app.use_cases import document_sets, evaluation_sets, labelled_sets, template_sets
from app.use_cases.document_sets import USUAL_CHARACTERS, DocumentDetails
from app.use_cases.evaluation_sets import EvaluationSetDetails
from app.use_cases.labelled_sets import ENDINGS, LabelledSetDetails
from app.use_cases.seed_sets import SeedSetDetails
from app.use_cases.template_sets import TemplateSetDetails

_FIELD_BYTES = 64 * 1024
_ROOM_BYTES = 1024 * 1024  # the fields beside the file
Store = Callable[[Runtime, Form, str, Iterable[bytes]], UUID]


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What became of an upload: an id, or why there is none; `form` is what was typed."""

    form: Form
    stored: UUID | None = None
    error: InvalidInput | None = None


def read_upload(
    store: Store, file_field: str, runtime: Runtime, content_type: str, chunks: Iterable[bytes]
) -> Uploaded:
    """Hand the file of a form to `store`; raises MalformedRequest for no such form.

    The file comes last in our forms, so that all fields are known when it is read.
    """
    fields: dict[str, list[str]] = {}
    for part in read_parts(chunks, boundary_of(content_type)):
        first = next(part.data, b"")
        if part.name == file_field and part.file_name and first:
            form = Form(fields)
            try:
                stored = store(runtime, form, part.file_name, chain([first], part.data))
            except InvalidInput as error:
                return Uploaded(form, error=error)
            return Uploaded(form, stored)
        fields.setdefault(part.name, []).append(first[:_FIELD_BYTES].decode("utf-8", "replace"))
    problem = Problem(f"/{file_field}", "missing_field", "choose a file")
    error = InvalidInput("There is no file in the form.", problems=[problem])
    return Uploaded(Form(fields), error=error)


async def uploaded(
    request: Request,
    runtime: Runtime,
    store: Store,
    file_field: str,
    *,
    most_bytes: int | None = None,
) -> Uploaded:
    """Read the upload form of a request and have `store` take its file, as large as is allowed."""
    limit = runtime.settings.max_upload_mib << 20
    limit = min(limit, most_bytes or limit) + _ROOM_BYTES
    directory = runtime.settings.home / "uploads"
    async with request.app.state.uploaded(request, directory, limit) as chunks:
        kind = request.headers.get("content-type", "")
        read = partial(read_upload, store, file_field, runtime, kind, chunks)
        return await to_thread.run_sync(read, limiter=request.app.state.upload_limiter)


def store_templates(runtime: Runtime, form: Form, file_name: str, chunks: Iterable[bytes]) -> UUID:
    """A file of templates; returns the set's id, also where it was there already."""
    details = TemplateSetDetails(
        name=form.text("name"),
        licence=form.text("licence") or "unknown",
        source=form.text("source") or "uploaded",
    )
    return template_sets.add(runtime, details, chunks).template_set.id


def store_rows(runtime: Runtime, form: Form, file_name: str, chunks: Iterable[bytes]) -> UUID:
    """A file of labelled rows; returns the set's id, also where it was there already."""
    path = PurePath(file_name.replace("\\", "/"))
    names = [line for line in form.raw("label_names").split("\n") if line.strip()]
    details = LabelledSetDetails(
        name=form.text("rows_name") or path.name.partition(".")[0][:200],
        language=form.text("language") or "en",
        licence=form.text("rows_licence") or "unknown",
        columns=read_columns((), names),
        ending=_ending(path),
    )
    return labelled_sets.add(runtime, details, chunks).labelled_set.id


def store_items(runtime: Runtime, form: Form, file_name: str, chunks: Iterable[bytes]) -> UUID:
    """A file of evaluation items; returns the set's id, also where it was there already."""
    details = EvaluationSetDetails(
        name=form.text("name") or PurePath(file_name.replace("\\", "/")).stem[:200],
        licence=form.text("licence") or "unknown",
        source=form.text("source") or "uploaded",
    )
    return evaluation_sets.add(runtime, details, chunks).evaluation_set.id


def store_document(runtime: Runtime, form: Form, file_name: str, chunks: Iterable[bytes]) -> UUID:
    """A document, into the set that was chosen or a new one; returns the set's id."""
    reading = Reading(form)
    set_id = reading.optional_id("document_set_id")
    characters = reading.integer("chunk_characters", USUAL_CHARACTERS) or 0
    path = PurePath(file_name.replace("\\", "/"))
    kind = KINDS_BY_SUFFIX.get(path.suffix.lower())
    if kind is None:
        endings = ", ".join(KINDS_BY_SUFFIX)
        reading.refuse("document", "unknown_format", f"its name must end in {endings}")
    if kind is None or reading.problems:
        raise InvalidInput("The document cannot be taken.", problems=reading.problems)
    details = DocumentDetails(path.name[:200], kind, characters)
    read = document_sets.read_document(details, chunks)
    if set_id is not None:
        document_sets.append_all(runtime, set_id, [read])
        return set_id
    told = SeedSetDetails(
        form.text("name") or path.stem[:200],
        form.text("language") or "en",
        form.text("licence") or "unknown",
        form.text("source") or "uploaded",
    )
    return document_sets.add_all(runtime, told, [read])[0].id


def _ending(path: PurePath) -> str:
    """What tells tables from the rest; a compressed table keeps both endings."""
    plain = path.name.lower().removesuffix(".gz")
    ending = next((each for each in ENDINGS if plain.endswith(each)), ".jsonl")
    return f"{ending}.gz" if path.name.lower().endswith(".gz") else ending
