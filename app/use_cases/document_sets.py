"""Sets of documents: make one, add what users upload to it, list, read, delete."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from app.db import documents as queries
from app.db import seed_sets as seed_queries
from app.db.engine import Connection
from app.db.ids import new_id
from app.domain.chunking import chunked
from app.domain.documents import DocumentKind, Extracted
from app.domain.records import Seed, SeedKind
from app.domain.stored import Page, SeedSet, StoredDocument, StoredSeed
from app.errors import (
    Conflict,
    DocumentProblem,
    InUse,
    InvalidDocument,
    InvalidInput,
    NotFound,
    NotText,
    Problem,
    TooLarge,
)
from app.files.magic import HEAD_BYTES, binary_kind, wide_encoding
from app.runtime import Runtime
from app.sandbox.document_sandbox import extract
from app.sandbox.limits import DocumentLimits
from app.use_cases import audit, seed_sets
from app.use_cases.once import Once
from app.use_cases.seed_sets import SeedSetDetails

FEWEST_CHARACTERS, USUAL_CHARACTERS, MOST_CHARACTERS = 200, 2000, 16_000
_LONGEST_NAME = 200
_LIMITS = DocumentLimits()
MOST_BYTES = _LIMITS.max_bytes
_MOST_CHUNKS = 1_000_000


@dataclass(frozen=True, slots=True)
class DocumentDetails:
    """What a caller says about a document; its chunks have at most `chunk_characters` each."""

    name: str
    kind: DocumentKind
    chunk_characters: int = USUAL_CHARACTERS


@dataclass(frozen=True, slots=True)
class AddedDocument:
    """A document, and whether it is new: the same one again gives the one that is there."""

    document: StoredDocument
    created: bool


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """A document that was read and cut, but not stored yet."""

    details: DocumentDetails
    sha256: str
    size: int
    extracted: Extracted
    chunks: Sequence[Seed]


def create(runtime: Runtime, details: SeedSetDetails, once: Once | None = None) -> SeedSet:
    """Make an empty set, under one key `once`; raises InvalidInput for details or key."""
    seed_sets.check(details)
    with runtime.database.transaction() as connection:
        if once and (known_id := once.made_before(connection)):
            return _get(connection, known_id)
        made = _create(connection, details)
        if once:
            once.made(connection, made.id)
        return made


def _create(connection: Connection, details: SeedSetDetails) -> SeedSet:
    seed_set_id = new_id()
    seed_queries.insert(connection, seed_sets.described(seed_set_id, details, SeedKind.DOCUMENTS))
    return _finished(connection, seed_set_id)


def add_document(
    runtime: Runtime, seed_set_id: UUID, details: DocumentDetails, chunks: Iterable[bytes]
) -> AddedDocument:
    """Read a whole document given as byte chunks, and store its chunks; all of it or nothing.

    Raises NotFound, InUse when a job uses the set, Conflict when the set has another document of
    that name, InvalidInput for the details, and InvalidDocument, NotText or TooLarge for the file.
    """
    get(runtime, seed_set_id)
    read = read_document(details, chunks)
    return append_all(runtime, seed_set_id, [read])[0]


def add_all(
    runtime: Runtime, details: SeedSetDetails, documents: Iterable[ReadDocument]
) -> tuple[SeedSet, Sequence[AddedDocument]]:
    """Make a set of documents that were read already, in one transaction; raises as the others."""
    seed_sets.check(details)
    with runtime.database.transaction() as connection:
        seed_set = _create(connection, details)
        added = [_add(connection, seed_set.id, each) for each in documents]
        return _get(connection, seed_set.id), added


def append_all(
    runtime: Runtime, seed_set_id: UUID, documents: Iterable[ReadDocument]
) -> Sequence[AddedDocument]:
    """Add documents that were read already, all or none; raises as `add_document` does."""
    with runtime.database.transaction() as connection:
        _get(connection, seed_set_id)
        _lock(connection, seed_set_id)
        return [_add(connection, seed_set_id, each) for each in documents]


def read_document(details: DocumentDetails, chunks: Iterable[bytes]) -> ReadDocument:
    """What a document says, cut into chunks; raises as `add_document` does for details and file."""
    problems = list(_problems(details))
    if problems:
        raise InvalidInput("The document cannot be taken as described.", problems=problems)
    body = _body(chunks)
    _check_kind(details.kind, body)
    extracted = extract(details.kind, body, _LIMITS)
    pieces = chunked(extracted, details.chunk_characters)
    if not pieces:
        raise InvalidDocument("It holds no words.", code="no_text")
    seeds = [
        Seed(each.text, name=details.name, facts=each.facts(details.name, number))
        for number, each in enumerate(pieces, 1)
    ]
    digest = hashlib.sha256(body).hexdigest()
    return ReadDocument(details, digest, len(body), extracted, seeds)


def _problems(details: DocumentDetails) -> Iterable[Problem]:
    if not details.name.strip():
        yield Problem("/name", "blank", "must not be blank")
    if len(details.name) > _LONGEST_NAME or not details.name.isprintable():
        yield Problem("/name", "too_long", f"at most {_LONGEST_NAME} printable characters")
    if not FEWEST_CHARACTERS <= details.chunk_characters <= MOST_CHARACTERS:
        limits = f"from {FEWEST_CHARACTERS:,} to {MOST_CHARACTERS:,}"
        yield Problem("/chunk_characters", "out_of_range", f"must be {limits}")


def _body(chunks: Iterable[bytes]) -> bytes:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > _LIMITS.max_bytes:
            most = _LIMITS.max_bytes >> 20
            raise TooLarge(f"A document has at most {most} MiB; send it in parts.")
    return bytes(body)


def _check_kind(kind: DocumentKind, body: bytes) -> None:
    """Refuse what begins like something else than it is said to be."""
    if not body:
        raise InvalidDocument("The file is empty.", code="no_text")
    head = body[:HEAD_BYTES]
    found = binary_kind(head)
    if found == "PDF" and kind is DocumentKind.PDF:
        return
    if found is not None:
        raise NotText(f"The file is {found}, not {kind}; text, Markdown, HTML and PDF are read.")
    wide = wide_encoding(head)
    if wide is not None:
        problem = DocumentProblem("not_utf8", f"the file is {wide}; save it as UTF-8", line=1)
        raise InvalidDocument("The file is not UTF-8.", found=(problem,))


def _lock(connection: Connection, seed_set_id: UUID) -> None:
    if not queries.locked(connection, seed_set_id):
        raise NotFound(f"There is no document set {seed_set_id}.")
    users = seed_queries.users(connection, seed_set_id)
    if users:
        names = ", ".join(map(str, users))
        raise InUse(f"Jobs use this document set: {names}. Make another set instead.")


def _add(connection: Connection, seed_set_id: UUID, read: ReadDocument) -> AddedDocument:
    there = queries.of_set(connection, seed_set_id)
    for each in there:
        if each.sha256 == read.sha256:
            return AddedDocument(each, created=False)
        if each.name == read.details.name:
            said = f"The set has another document {each.name!r}; delete it or use another name."
            raise Conflict(said, code="name_taken")
    first = queries.next_seed_position(connection, seed_set_id)
    if first + len(read.chunks) > _MOST_CHUNKS:
        raise TooLarge(f"A set holds at most {_MOST_CHUNKS:,} chunks; make another one.")
    queries.insert(connection, _stored(seed_set_id, read, there[-1].position + 1 if there else 0))
    seed_queries.copy_seeds(connection, seed_set_id, first, read.chunks)
    _finished(connection, seed_set_id)
    return AddedDocument(queries.of_set(connection, seed_set_id)[-1], created=True)


def _stored(seed_set_id: UUID, read: ReadDocument, position: int) -> StoredDocument:
    details, extracted = read.details, read.extracted
    return StoredDocument(
        id=new_id(),
        seed_set_id=seed_set_id,
        position=position,
        name=details.name,
        kind=details.kind,
        sha256=read.sha256,
        bytes=read.size,
        characters=len(extracted.text),
        pages=len(extracted.page_starts) or None,
        chunk_characters=details.chunk_characters,
        chunk_count=len(read.chunks),
        problems=[each.members() for each in extracted.problems],
        created_at=datetime.now(UTC),
    )


def _finished(connection: Connection, seed_set_id: UUID) -> SeedSet:
    """Write down how many chunks there are, and the digest of what the set lists."""
    found = queries.of_set(connection, seed_set_id)
    lines = [f"{each.sha256} {each.chunk_characters} {each.name}\n" for each in found]
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    count = sum(each.chunk_count for each in found)
    seed_queries.complete(connection, seed_set_id, sha256=digest, row_count=count)
    return _get(connection, seed_set_id)


def _get(connection: Connection, seed_set_id: UUID) -> SeedSet:
    found = seed_queries.get(connection, seed_set_id)
    if found is None or found.kind != SeedKind.DOCUMENTS:
        raise NotFound(f"There is no document set {seed_set_id}.")
    return found


def get(runtime: Runtime, seed_set_id: UUID) -> SeedSet:
    """One set; raises NotFound, also for a set of tasks."""
    with runtime.database.transaction() as connection:
        return _get(connection, seed_set_id)


def page(runtime: Runtime, *, cursor: str | None = None, limit: int = 50) -> Page[SeedSet]:
    """Sets of documents, newest first."""
    with runtime.database.transaction() as connection:
        return seed_queries.page(connection, cursor=cursor, limit=limit, kind=SeedKind.DOCUMENTS)


def page_documents(
    runtime: Runtime, seed_set_id: UUID, *, cursor: str | None = None, limit: int = 50
) -> Page[StoredDocument]:
    """Documents of a set, in the order in which they came; raises NotFound."""
    with runtime.database.transaction() as connection:
        _get(connection, seed_set_id)
        return queries.page(connection, seed_set_id, cursor=cursor, limit=limit)


def page_chunks(
    runtime: Runtime, seed_set_id: UUID, *, cursor: str | None = None, limit: int = 50
) -> Page[StoredSeed]:
    """Chunks of a set, document by document; raises NotFound."""
    with runtime.database.transaction() as connection:
        _get(connection, seed_set_id)
        return seed_queries.page_seeds(connection, seed_set_id, cursor=cursor, limit=limit)


def delete(runtime: Runtime, seed_set_id: UUID) -> None:
    """Remove a set that no job uses, with its documents; raises NotFound or InUse."""
    get(runtime, seed_set_id)
    seed_sets.delete(runtime, seed_set_id)


def delete_document(runtime: Runtime, seed_set_id: UUID, document_id: UUID) -> None:
    """Remove a document from a set that no job uses; raises NotFound or InUse."""
    with runtime.database.transaction() as connection:
        _get(connection, seed_set_id)
        _lock(connection, seed_set_id)
        found = [each for each in queries.of_set(connection, seed_set_id) if each.id == document_id]
        if not found:
            raise NotFound(f"There is no document {document_id} in this set.")
        queries.delete(connection, found[0])
        _finished(connection, seed_set_id)
        audit.note(runtime, connection, "document.delete", document_id, set=str(seed_set_id))
