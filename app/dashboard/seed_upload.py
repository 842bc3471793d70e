"""The upload form of seed sets: its fields, then its file, which goes straight to the store."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import PurePath

from app.dashboard.forms import Form
from app.dashboard.multipart import boundary_of, read_parts
from app.errors import InvalidInput, Problem, TooLarge
from app.files.seed_upload import OnError
from app.runtime import Runtime
from app.use_cases import seed_sets
from app.use_cases.seed_sets import AddedSeedSet, SeedSetDetails

FILE, PASTED = "file", "lines"
_FIELD_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """What became of an upload: a set, or why there is none; `form` is what was typed."""

    form: Form
    added: AddedSeedSet | None = None
    error: InvalidInput | None = None


def read_upload(runtime: Runtime, content_type: str, chunks: Iterable[bytes]) -> Upload:
    """Store the file of a form, or its pasted lines; raises MalformedRequest for no such form.

    The file comes last in our form, so that all fields are known when it is read.
    """
    fields: dict[str, list[str]] = {}
    for part in read_parts(chunks, boundary_of(content_type)):
        first = next(part.data, b"")
        if part.name == FILE and part.file_name and first:
            fields["file_name"] = [PurePath(part.file_name.replace("\\", "/")).stem[:200]]
            return _stored(runtime, Form(fields), chain([first], part.data))
        if part.name != FILE:
            fields.setdefault(part.name, []).append(_text(first, part.data))
    pasted = Form(fields).raw(PASTED).strip()
    if not pasted:
        problem = Problem(f"/{FILE}", "missing_field", "choose a file, or paste its lines")
        error = InvalidInput("There is no file in the form.", problems=[problem])
        return Upload(Form(fields), error=error)
    return _stored(runtime, Form(fields), [pasted.encode()])


def _stored(runtime: Runtime, form: Form, chunks: Iterable[bytes]) -> Upload:
    details = SeedSetDetails(
        name=form.text("name") or form.text("file_name"),
        language=form.text("language") or "en",
        licence=form.text("licence") or "unknown",
        source=form.text("source") or "uploaded",
        tokens=form.text("tokens") or None,
    )
    on_error: OnError = "skip" if form.text("on_error") else "reject"
    dedupe = bool(form.text("dedupe"))
    try:
        added = seed_sets.add(runtime, details, chunks, on_error=on_error, dedupe=dedupe)
    except InvalidInput as error:
        return Upload(form, error=error)
    return Upload(form, added)


def _text(first: bytes, rest: Iterator[bytes]) -> str:
    read = bytearray(first)
    for chunk in rest:
        read += chunk
        if len(read) > _FIELD_BYTES:
            raise TooLarge(
                f"A field holds more than {_FIELD_BYTES:,} bytes; choose a file instead."
            )
    return read.decode("utf-8", "replace")
