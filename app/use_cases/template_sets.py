"""Template sets: add a file whole or not at all, list, read, try out, delete."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

from app.db import labelled_sets
from app.db import template_sets as queries
from app.db.ids import new_id
from app.domain.materials import TemplateSet
from app.domain.stored import Page
from app.domain.template_files import MAX_BYTES, read_template_file
from app.domain.templates import Template, TemplateFile, named
from app.errors import (
    Conflict,
    InUse,
    InvalidInput,
    InvalidUpload,
    LineProblem,
    NotFound,
    TooLarge,
    UploadReport,
)
from app.runtime import Runtime
from app.sandbox.template_sandbox import PairOutcome, RowOrder, TemplateSandbox
from app.use_cases import audit
from app.use_cases.descriptions import description_problems
from app.use_cases.template_checks import (
    CheckedFile,
    CheckedTemplate,
    check_templates,
    read_templates,
)

_FILE = "The file"
MOST_PREVIEWED = 20


@dataclass(frozen=True, slots=True)
class TemplateSetDetails:
    """What a caller says about a file of templates; its dataset's name where none is given."""

    name: str = ""
    licence: str = "unknown"
    source: str = "uploaded"


@dataclass(frozen=True, slots=True)
class AddedTemplateSet:
    """A set, and whether it is new."""

    template_set: TemplateSet
    created: bool


def add(runtime: Runtime, details: TemplateSetDetails, chunks: Iterable[bytes]) -> AddedTemplateSet:
    """Store a file of templates as promptsource has them; an equal file gives the set that exists.

    Raises InvalidInput for the details, InvalidUpload with every fault and its line, TooLarge,
    NotText.
    """
    content = _whole(chunks)
    file = read_templates(content, _FILE)
    name = details.name or file.name
    problems = list(description_problems(name=name, licence=details.licence, source=details.source))
    if problems:
        raise InvalidInput("The description of the templates cannot be used.", problems=problems)
    values = _values(file, content) | asdict(details) | {"name": name}
    existing = _by_digest(runtime, str(values["sha256"]))
    if existing is not None:
        return AddedTemplateSet(existing, created=False)
    try:
        with runtime.database.transaction() as connection:
            queries.insert(connection, values)
    except Conflict:
        # Equal files at once: the unique digest let one in, and this is another.
        existing = _by_digest(runtime, str(values["sha256"]))
        if existing is None:
            raise
        return AddedTemplateSet(existing, created=False)
    return AddedTemplateSet(get(runtime, UUID(str(values["id"]))), created=True)


def _whole(chunks: Iterable[bytes]) -> bytes:
    content = bytearray()
    for chunk in chunks:
        content += chunk
        if len(content) > MAX_BYTES:
            raise TooLarge(f"A file of templates has at most {MAX_BYTES:,} bytes.")
    return bytes(content)


def _values(file: TemplateFile, content: bytes) -> dict[str, object]:
    """What is stored of a file; raises InvalidUpload where a template cannot be used."""
    problems = [*_unstorable(file)]
    checked = CheckedFile(_FILE, "") if problems else check_templates(file, _FILE)
    problems += checked.problems
    if not file.templates:
        problems.append(LineProblem(1, "empty_upload", "there is no template in it"))
    if problems:
        report = UploadReport(errors=tuple(problems[:100]), error_count=len(problems))
        raise InvalidUpload("Nothing was stored. Correct the templates that are named.", report)
    pairs = zip(file.templates, checked.templates, strict=True)
    return {
        "id": new_id(),
        "dataset": file.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "content": content.decode("utf-8-sig"),
        "templates": [_told(template, needs) for template, needs in pairs],
        "notices": [
            {"line": each.line, "code": each.code, "detail": each.detail} for each in file.notices
        ],
    }


def _told(template: Template, needs: CheckedTemplate) -> dict[str, object]:
    return {
        "id": template.id,
        "name": template.name,
        "columns": list(needs.columns),
        "fixed_choices": needs.fixed_choices,
        "original_task": template.metadata.original_task,
        "choices_in_prompt": template.metadata.choices_in_prompt,
        "languages": list(template.metadata.languages),
    }


def _unstorable(file: TemplateFile) -> Iterable[LineProblem]:
    """Texts that YAML can spell and no database or program can hold."""
    for each in file.templates:
        texts = (file.name, each.id, each.name, each.jinja, each.answer_choices or "")
        spelt = "".join((*texts, *each.metadata.languages, *each.metadata.metrics))
        if "\0" in spelt or any("\ud800" <= character <= "\udfff" for character in spelt):
            detail = "a text holds NUL or half a character"
            yield LineProblem(each.line, "control_character", detail)


def _by_digest(runtime: Runtime, sha256: str) -> TemplateSet | None:
    with runtime.database.transaction() as connection:
        return queries.by_sha256(connection, sha256)


def get(runtime: Runtime, template_set_id: UUID) -> TemplateSet:
    """One set; raises NotFound."""
    with runtime.database.transaction() as connection:
        found = queries.get(connection, template_set_id)
    if found is None:
        raise NotFound(f"There is no template set {template_set_id}.")
    return found


def download(runtime: Runtime, template_set_id: UUID) -> str:
    """The file as it came; raises NotFound."""
    with runtime.database.transaction() as connection:
        found = queries.content(connection, template_set_id)
    if found is None:
        raise NotFound(f"There is no template set {template_set_id}.")
    return found


def page(runtime: Runtime, *, cursor: str | None = None, limit: int = 50) -> Page[TemplateSet]:
    """Sets, newest first."""
    with runtime.database.transaction() as connection:
        return queries.page(connection, cursor=cursor, limit=limit)


def delete(runtime: Runtime, template_set_id: UUID) -> None:
    """Remove a set that no job uses; raises NotFound or InUse."""
    with runtime.database.transaction() as connection:
        users = queries.users(connection, template_set_id)
        if users:
            names = ", ".join(str(each) for each in users)
            raise InUse(f"Jobs use this template set: {names}. Delete them first.")
        if not queries.delete(connection, template_set_id):
            raise NotFound(f"There is no template set {template_set_id}.")
        audit.note(runtime, connection, "template_set.delete", template_set_id)


@dataclass(frozen=True, slots=True)
class PreviewWish:
    """What to try out: the first `rows` of a labelled set, templates by name or id (none: all)."""

    labelled_set_id: UUID
    rows: int = 3
    templates: Sequence[str] = ()
    truncate: int | None = None
    random_seed: int = 42


def preview(
    runtime: Runtime, template_set_id: UUID, wish: PreviewWish
) -> list[tuple[Template, PairOutcome]]:
    """What the first labelled rows become; raises NotFound and InvalidInput."""
    file = read_template_file(download(runtime, template_set_id), _FILE)
    chosen, unknown = named(file.templates, wish.templates)
    if unknown:
        known = ", ".join(each.name for each in file.templates)
        raise InvalidInput(f"The set has no template {', '.join(unknown)}; it has: {known}.")
    with runtime.database.transaction() as connection:
        if labelled_sets.get(connection, wish.labelled_set_id) is None:
            raise NotFound(f"There is no labelled set {wish.labelled_set_id}.")
        wanted = list(range(min(wish.rows, MOST_PREVIEWED)))
        rows = labelled_sets.rows_at(connection, wish.labelled_set_id, wanted)
    orders = [RowOrder(row, fields, chosen) for row, fields in rows]
    seed, truncate = wish.random_seed, wish.truncate
    with TemplateSandbox(file.templates, seed=seed, truncate=truncate) as sandbox:
        return [(file.templates[pair.template], pair) for pair in sandbox.render(orders)]
