"""Evaluation sets: add a file whole or not at all, list, read, delete."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.db import evaluation_sets as queries
from app.db.engine import Connection
from app.db.ids import new_id
from app.domain.records import Seed
from app.domain.stored import EvaluationSet, Page, StoredItem
from app.errors import Conflict, InUse, InvalidInput, NotFound, Problem
from app.files.seed_upload import SeedReader
from app.files.upload_limits import UploadLimits
from app.runtime import Runtime
from app.use_cases import audit

_BATCH = 5000


@dataclass(frozen=True, slots=True)
class EvaluationSetDetails:
    """What a caller says about a set."""

    name: str
    licence: str = "unknown"
    source: str = "uploaded"


@dataclass(frozen=True, slots=True)
class AddedEvaluationSet:
    """A set, and whether it is new."""

    evaluation_set: EvaluationSet
    created: bool


def add(
    runtime: Runtime, details: EvaluationSetDetails, chunks: Iterable[bytes]
) -> AddedEvaluationSet:
    """Store a whole file given as byte chunks, in one transaction, or nothing of it.

    The lines are those of seed files; of equal ones the first is kept. An equal file gives the set
    that exists. Raises InvalidInput for the details, InvalidUpload with every bad line named,
    TooLarge, NotText.
    """
    problems = list(_problems(details))
    if problems:
        raise InvalidInput("The description of the set cannot be used.", problems=problems)
    limits = UploadLimits(max_bytes=runtime.settings.max_upload_mib << 20)
    reader = SeedReader(limits=limits, dedupe=True)
    try:
        with runtime.database.transaction() as connection:
            return _add(connection, details, reader, chunks)
    except _AlreadyThere as found:
        return AddedEvaluationSet(found.evaluation_set, created=False)
    except Conflict:
        # Equal files at once: the unique digest let one in, and this is another.
        with runtime.database.transaction() as connection:
            existing = queries.by_sha256(connection, reader.digest)
        if existing is None:
            raise
        return AddedEvaluationSet(existing, created=False)


class _AlreadyThere(Exception):
    """Rolls back what an equal file had written."""

    def __init__(self, evaluation_set: EvaluationSet) -> None:
        super().__init__()
        self.evaluation_set = evaluation_set


def _problems(details: EvaluationSetDetails) -> Iterator[Problem]:
    for name in EvaluationSetDetails.__slots__:
        text: str = getattr(details, name)
        if not text.strip():
            yield Problem(f"/{name}", "blank", "must not be blank")
        if len(text) > 200:
            yield Problem(f"/{name}", "too_long", "at most 200 characters")
        if any(not character.isprintable() for character in text):
            yield Problem(f"/{name}", "control_character", "must be printable text")


def _add(
    connection: Connection,
    details: EvaluationSetDetails,
    reader: SeedReader,
    chunks: Iterable[bytes],
) -> AddedEvaluationSet:
    set_id = new_id()
    named = {name: getattr(details, name) for name in EvaluationSetDetails.__slots__}
    queries.insert(connection, {"id": set_id, "sha256": f"pending:{set_id}", **named})
    stored = 0
    for batch in _batches(reader, chunks):
        queries.copy_items(connection, set_id, stored, batch)
        stored += len(batch)
    existing = queries.by_sha256(connection, reader.digest)
    if existing is not None:
        raise _AlreadyThere(existing)
    queries.complete(connection, set_id, sha256=reader.digest, row_count=stored)
    return AddedEvaluationSet(_get(connection, set_id), created=True)


def _batches(reader: SeedReader, chunks: Iterable[bytes]) -> Iterator[list[Seed]]:
    buffer: list[Seed] = []
    for chunk in chunks:
        buffer.extend(reader.feed(chunk))
        if len(buffer) >= _BATCH:
            yield buffer
            buffer = []
    yield [*buffer, *reader.finish()]


def _get(connection: Connection, set_id: UUID) -> EvaluationSet:
    found = queries.get(connection, set_id)
    if found is None:
        raise NotFound(f"There is no evaluation set {set_id}.")
    return found


def get(runtime: Runtime, set_id: UUID) -> EvaluationSet:
    """One set; raises NotFound."""
    with runtime.database.transaction() as connection:
        return _get(connection, set_id)


def page(runtime: Runtime, *, cursor: str | None = None, limit: int = 50) -> Page[EvaluationSet]:
    """Sets, newest first."""
    with runtime.database.transaction() as connection:
        return queries.page(connection, cursor=cursor, limit=limit)


def page_items(
    runtime: Runtime, set_id: UUID, *, cursor: str | None = None, limit: int = 50
) -> Page[StoredItem]:
    """Items of a set, in file order; raises NotFound."""
    with runtime.database.transaction() as connection:
        _get(connection, set_id)
        return queries.page_items(connection, set_id, cursor=cursor, limit=limit)


def missing(connection: Connection, set_ids: Sequence[UUID]) -> Sequence[UUID]:
    """Those of these sets that do not exist."""
    return [each for each in set_ids if queries.get(connection, each) is None]


def delete(runtime: Runtime, set_id: UUID) -> None:
    """Remove a set that no job is held against; raises NotFound or InUse."""
    with runtime.database.transaction() as connection:
        users = queries.users(connection, set_id)
        if users:
            names = ", ".join(str(each) for each in users)
            raise InUse(f"Jobs are held against this set: {names}. Delete them first.")
        if not queries.delete(connection, set_id):
            raise NotFound(f"There is no evaluation set {set_id}.")
        audit.note(runtime, connection, "evaluation_set.delete", set_id)
