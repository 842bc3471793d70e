"""`cultivar documents`: sets of documents, whose chunks the method `grounded` asks about."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated
from uuid import UUID

from typer import Argument, Option, Typer

from app.cli.connection import connected
from app.cli.names import seed_set_id
from app.cli.seed_sets import chunks_of
from app.cli.terminal import (
    AsJson,
    Cursor,
    Limit,
    console,
    error_console,
    shortened,
    show_facts,
    show_json,
    show_page,
)
from app.domain.documents import KINDS_BY_SUFFIX, DocumentKind
from app.domain.stored import SeedSet, StoredDocument
from app.domain.tokens import Tokens
from app.errors import InvalidDocument, InvalidInput, Problem
from app.files.excerpt import visible
from app.runtime import Runtime
from app.use_cases import document_sets
from app.use_cases.document_sets import USUAL_CHARACTERS, DocumentDetails, ReadDocument
from app.use_cases.seed_sets import SeedSetDetails

commands = Typer()
Named = Annotated[str, Argument(metavar="DOCUMENT_SET", help="its id, or its name")]
Files = Annotated[
    list[Path],
    Argument(exists=True, dir_okay=False, help="documents: .txt, .md, .html, .pdf"),
]
Size = Annotated[int, Option(help="characters of a chunk at most")]


@commands.command("add")
def add(
    files: Files,
    name: Annotated[str | None, Option(help="else the first file's name")] = None,
    language: Annotated[str, Option(help="language tag, such as en or zh-Hans")] = "en",
    licence: Annotated[str, Option(help="licence of the documents")] = "unknown",
    source: Annotated[str, Option(help="where the documents come from")] = "uploaded",
    tokens: Annotated[
        Tokens | None, Option(help="how texts are compared; else chosen by language")
    ] = None,
    chunk_characters: Size = USUAL_CHARACTERS,
    as_json: AsJson = False,
) -> None:
    """Make a set of documents: of all the files, or of none if one cannot be read."""
    details = SeedSetDetails(name or files[0].stem, language, licence, source, tokens)
    with connected() as runtime:
        read = list(_read(files, chunk_characters))
        made, added = document_sets.add_all(runtime, details, read)
    documents = [each.document for each in added]
    _tell(documents)
    if as_json:
        show_json({"document_set": made, "documents": documents})
        return
    console().print(f"stored: {made.id}  {len(documents):,} documents, {made.row_count:,} chunks")


@commands.command("append")
def append(
    document_set: Named,
    files: Files,
    chunk_characters: Size = USUAL_CHARACTERS,
    as_json: AsJson = False,
) -> None:
    """Add files to a set that no job uses; a document that is there already stays as it is."""
    with connected() as runtime:
        found = _id(runtime, document_set)
        read = list(_read(files, chunk_characters))
        added = document_sets.append_all(runtime, found, read)
    _tell([each.document for each in added if each.created])
    if as_json:
        show_json(added)
        return
    for each in added:
        what = "stored" if each.created else "there already"
        console().print(f"{what}: {each.document.name}  {each.document.chunk_count:,} chunks")


@commands.command("list")
def list_(limit: Limit = 50, cursor: Cursor = None, as_json: AsJson = False) -> None:
    """Sets of documents, newest first."""
    with connected() as runtime:
        page = document_sets.page(runtime, cursor=cursor, limit=limit)
    cells = [
        (each.id, each.name, each.language, each.licence, each.row_count) for each in page.items
    ]
    show_page(page, as_json, ("id", "name", "language", "licence", "#chunks"), cells)


@commands.command("show")
def show(
    document_set: Named, limit: Limit = 50, cursor: Cursor = None, as_json: AsJson = False
) -> None:
    """One set with its documents."""
    with connected() as runtime:
        found = _id(runtime, document_set)
        page = document_sets.page_documents(runtime, found, cursor=cursor, limit=limit)
        made = document_sets.get(runtime, found)
    if not as_json:
        show_facts(_facts(made))
    cells = [
        (each.id, each.name, each.kind, each.pages, each.characters, each.chunk_count)
        for each in page.items
    ]
    columns = ("id", "name", "kind", "#pages", "#characters", "#chunks")
    show_page(page, as_json, columns, cells)


@commands.command("chunks")
def chunks(
    document_set: Named, limit: Limit = 50, cursor: Cursor = None, as_json: AsJson = False
) -> None:
    """The chunks of a set with their places."""
    with connected() as runtime:
        found = _id(runtime, document_set)
        page = document_sets.page_chunks(runtime, found, cursor=cursor, limit=limit)
    cells = [
        ((each.facts or {})["chunk"], (each.facts or {})["place"], shortened(each.instruction))
        for each in page.items
    ]
    show_page(page, as_json, ("chunk", "place", "text"), cells)


@commands.command("delete")
def delete(
    document_set: Named,
    document: Annotated[UUID | None, Option(help="only this document of the set")] = None,
) -> None:
    """Remove a set that no job uses, or one document of it."""
    with connected() as runtime:
        found = _id(runtime, document_set)
        if document is None:
            document_sets.delete(runtime, found)
        else:
            document_sets.delete_document(runtime, found, document)
    console().print("deleted")


def _id(runtime: Runtime, given: str) -> UUID:
    return document_sets.get(runtime, seed_set_id(runtime, given)).id


def _read(files: Sequence[Path], chunk_characters: int) -> Iterator[ReadDocument]:
    """Every file read; raises InvalidInput with all that cannot be, each by name."""
    problems: list[Problem] = []
    for path in files:
        try:
            details = DocumentDetails(path.name, _kind(path), chunk_characters)
            yield document_sets.read_document(details, chunks_of(path))
        except InvalidInput as refusal:
            problems += _named(path, refusal)
    if problems:
        raise InvalidInput("Nothing was stored.", problems=problems)


def _kind(path: Path) -> DocumentKind:
    kind = KINDS_BY_SUFFIX.get(path.suffix.lower())
    if kind is None:
        raise InvalidInput(f"Of this kind none is read; known: {', '.join(KINDS_BY_SUFFIX)}.")
    return kind


def _named(path: Path, refusal: InvalidInput) -> Iterator[Problem]:
    where = f"/{visible(path.name)}"
    found = refusal.found if isinstance(refusal, InvalidDocument) else ()
    if not found and not refusal.problems:
        yield Problem(where, refusal.code, refusal.detail)
    for each in refusal.problems:
        yield Problem(where, each.code, f"{each.pointer.lstrip('/')}: {each.detail}")
    for each in found:
        yield Problem(where, each.code, each.told)


def _tell(documents: Sequence[StoredDocument]) -> None:
    """Say what of documents that were taken could not be read."""
    for document in documents:
        for each in document.problems:
            page = f", page {each['page']}" if "page" in each else ""
            error_console().print(f"{document.name}{page}: {each['detail']}")


def _facts(found: SeedSet) -> Mapping[str, object]:
    return {name.replace("_", " "): getattr(found, name) for name in SeedSet.__slots__}
