"""Seed sets: add a file whole or not at all, list, read, delete."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from app.db import seed_sets as queries
from app.db.engine import Connection
from app.db.ids import new_id
from app.domain.records import Seed, SeedKind
from app.domain.stored import Page, SeedSet, StoredSeed
from app.domain.tokens import Tokens
from app.errors import Conflict, InUse, InvalidInput, NotFound, Problem, UploadReport
from app.files.seed_upload import OnError, SeedReader
from app.files.upload_limits import UploadLimits
from app.runtime import Runtime
from app.use_cases import audit
from app.use_cases.descriptions import description_problems

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z")
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class SeedSetDetails:
    """What a caller says about a set of seeds; `tokens` None chooses by language."""

    name: str
    language: str = "en"
    licence: str = "unknown"
    source: str = "uploaded"
    tokens: str | None = None


@dataclass(frozen=True, slots=True)
class AddedSeedSet:
    """A set, whether it is new, and what the reader found (skipped lines, if asked to skip)."""

    seed_set: SeedSet
    created: bool
    report: UploadReport


def tokens_for(language: str) -> str:
    """rouge-score's own tokens for English, Unicode tokens for every other language."""
    return Tokens.ROUGE if language.split("-")[0].lower() == "en" else Tokens.UNICODE


def check(details: SeedSetDetails) -> None:
    """Raises InvalidInput with all that is wrong with a description."""
    problems = list(_problems(details))
    if problems:
        raise InvalidInput("The description of the seed set cannot be used.", problems=problems)


def _problems(details: SeedSetDetails) -> Iterator[Problem]:
    yield from description_problems(
        name=details.name, licence=details.licence, source=details.source
    )
    if not _LANGUAGE.match(details.language):
        yield Problem("/language", "wrong_type", "must be a language tag such as en or zh-Hans")
    if details.tokens is not None and details.tokens not in set(Tokens):
        yield Problem("/tokens", "wrong_type", "must be rouge or unicode")


def add(
    runtime: Runtime,
    details: SeedSetDetails,
    chunks: Iterable[bytes],
    *,
    on_error: OnError = "reject",
    dedupe: bool = False,
) -> AddedSeedSet:
    """Store a whole file given as byte chunks, in one transaction, or nothing of it.

    An equal file gives the set that exists. Raises InvalidInput for the details, InvalidUpload
    with every bad line named, TooLarge, NotText.
    """
    check(details)
    limits = UploadLimits(max_bytes=runtime.settings.max_upload_mib << 20)
    reader = SeedReader(limits=limits, on_error=on_error, dedupe=dedupe)
    try:
        with runtime.database.transaction() as connection:
            return _add(connection, details, reader, chunks)
    except _AlreadyThere as found:
        return AddedSeedSet(found.seed_set, created=False, report=reader.report)
    except Conflict:
        # Equal files at once: the unique digest let one in, and this is another.
        with runtime.database.transaction() as connection:
            existing = queries.by_sha256(connection, reader.digest)
        if existing is None:
            raise
        return AddedSeedSet(existing, created=False, report=reader.report)


class _AlreadyThere(Exception):
    """Rolls back what an equal file had written."""

    def __init__(self, seed_set: SeedSet) -> None:
        super().__init__()
        self.seed_set = seed_set


def _add(
    connection: Connection, details: SeedSetDetails, reader: SeedReader, chunks: Iterable[bytes]
) -> AddedSeedSet:
    seed_set_id = new_id()
    queries.insert(connection, described(seed_set_id, details))
    stored = 0
    for batch in _batches(reader, chunks):
        queries.copy_seeds(connection, seed_set_id, stored, batch)
        stored += len(batch)
    existing = queries.by_sha256(connection, reader.digest)
    if existing is not None:
        raise _AlreadyThere(existing)
    queries.complete(connection, seed_set_id, sha256=reader.digest, row_count=stored)
    seed_set = queries.get(connection, seed_set_id)
    if seed_set is None:
        raise NotFound("The seed set vanished while it was stored.")
    return AddedSeedSet(seed_set, created=True, report=reader.report)


def _batches(reader: SeedReader, chunks: Iterable[bytes]) -> Iterator[list[Seed]]:
    buffer: list[Seed] = []
    for chunk in chunks:
        buffer.extend(reader.feed(chunk))
        if len(buffer) >= _BATCH:
            yield buffer
            buffer = []
    yield [*buffer, *reader.finish()]


def described(
    seed_set_id: UUID, details: SeedSetDetails, kind: SeedKind = SeedKind.TASKS
) -> SeedSet:
    """An empty set as it was described, whose digest is still to come."""
    return SeedSet(
        id=seed_set_id,
        name=details.name,
        language=details.language,
        licence=details.licence,
        source=details.source,
        tokens=details.tokens or tokens_for(details.language),
        sha256=f"pending:{seed_set_id}",
        row_count=0,
        created_at=datetime.now(UTC),
        kind=kind,
    )


@dataclass(frozen=True, slots=True)
class SeedSetChanges:
    """What shall be said of a set from now on; None leaves as it is."""

    name: str | None = None
    language: str | None = None
    licence: str | None = None
    source: str | None = None


def change(runtime: Runtime, seed_set_id: UUID, changes: SeedSetChanges) -> SeedSet:
    """Change name, language, licence or source; seeds and tokenizer stay. Raises NotFound, or
    InvalidInput with every problem."""
    given: dict[str, str] = {
        name: value
        for name in SeedSetChanges.__slots__
        if (value := getattr(changes, name)) is not None
    }
    before = get(runtime, seed_set_id)
    kept = {name: getattr(before, name) for name in SeedSetChanges.__slots__}
    problems = list(_problems(SeedSetDetails(**{**kept, **given})))
    if problems:
        raise InvalidInput("The description of the seed set cannot be used.", problems=problems)
    if given:
        with runtime.database.transaction() as connection:
            queries.change(connection, seed_set_id, given)
    return get(runtime, seed_set_id)


def get(runtime: Runtime, seed_set_id: UUID) -> SeedSet:
    """One set; raises NotFound."""
    with runtime.database.transaction() as connection:
        found = queries.get(connection, seed_set_id)
    if found is None:
        raise NotFound(f"There is no seed set {seed_set_id}.")
    return found


def page(runtime: Runtime, *, cursor: str | None = None, limit: int = 50) -> Page[SeedSet]:
    """Sets, newest first."""
    with runtime.database.transaction() as connection:
        return queries.page(connection, cursor=cursor, limit=limit)


def page_seeds(
    runtime: Runtime, seed_set_id: UUID, *, cursor: str | None = None, limit: int = 50
) -> Page[StoredSeed]:
    """Seeds of a set, in file order."""
    get(runtime, seed_set_id)
    with runtime.database.transaction() as connection:
        return queries.page_seeds(connection, seed_set_id, cursor=cursor, limit=limit)


def download(runtime: Runtime, seed_set_id: UUID) -> Iterator[StoredSeed]:
    """Every seed of a set in file order, read page by page; raises NotFound at once."""
    get(runtime, seed_set_id)
    return _download(runtime, seed_set_id)


def _download(runtime: Runtime, seed_set_id: UUID) -> Iterator[StoredSeed]:
    position = -1
    while True:
        with runtime.database.transaction() as connection:
            found = queries.seeds_after(connection, seed_set_id, position, 2000)
        yield from found
        if len(found) < 2000:
            return
        position = found[-1].position


def delete(runtime: Runtime, seed_set_id: UUID) -> None:
    """Remove a set that no job uses; raises NotFound or InUse."""
    with runtime.database.transaction() as connection:
        users = queries.users(connection, seed_set_id)
        if users:
            names = ", ".join(str(each) for each in users)
            raise InUse(f"Jobs use this seed set: {names}. Delete them first.")
        if not queries.delete(connection, seed_set_id):
            raise NotFound(f"There is no seed set {seed_set_id}.")
        audit.note(runtime, connection, "seed_set.delete", seed_set_id)
