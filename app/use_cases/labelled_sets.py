"""Labelled sets: add a file whole or not at all, list, read, delete."""

import hashlib
import re
import tempfile
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from uuid import UUID

import orjson

from app.db import labelled_sets as queries
from app.db.engine import Connection
from app.db.ids import new_id
from app.db.labelled_sets import NumberedRow
from app.domain.labelled import Columns
from app.domain.materials import LabelledSet
from app.domain.stored import Page
from app.errors import (
    Conflict,
    CultivarError,
    InUse,
    InvalidInput,
    InvalidUpload,
    LineProblem,
    NotFound,
    Problem,
    TooLarge,
    UploadReport,
)
from app.files.upload_limits import UploadLimits
from app.runtime import Runtime
from app.sandbox.frames import json_bytes
from app.use_cases import audit
from app.use_cases.descriptions import description_problems
from app.use_cases.labelled_rows import labelled_rows

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z")
_BATCH = 2000
_KINDS: Mapping[type, str] = {
    type(None): "null",
    bool: "bool",
    int: "int",
    float: "float",
    list: "list",
    dict: "object",
}
ENDINGS = (".jsonl", ".json", ".csv", ".tsv", ".parquet")


@dataclass(frozen=True, slots=True)
class LabelledSetDetails:
    """What a caller says about labelled rows; `ending` tells tables (.csv, .tsv) from the rest."""

    name: str
    language: str = "en"
    licence: str = "unknown"
    source: str = "uploaded"
    columns: Columns = field(default_factory=Columns)
    ending: str = ".jsonl"


@dataclass(frozen=True, slots=True)
class AddedLabelledSet:
    """A set, and whether it is new."""

    labelled_set: LabelledSet
    created: bool


def add(runtime: Runtime, details: LabelledSetDetails, chunks: Iterable[bytes]) -> AddedLabelledSet:
    """Store JSONL, a JSON list, CSV or Parquet; an equal file described so gives what exists.

    Raises InvalidInput for the details, InvalidUpload with every bad row named, TooLarge, NotText.
    """
    problems = list(_problems(details))
    if problems:
        raise InvalidInput("The description of the rows cannot be used.", problems=problems)
    limit = runtime.settings.max_upload_mib << 20
    with _put_down(runtime, chunks, details.ending, limit) as (path, sha256):
        try:
            return _stored(runtime, details, path, sha256)
        except CultivarError as error:
            error.detail = error.detail.replace(str(path), "the file")
            raise


def _problems(details: LabelledSetDetails) -> Iterator[Problem]:
    yield from description_problems(
        name=details.name, licence=details.licence, source=details.source
    )
    if not _LANGUAGE.match(details.language):
        yield Problem("/language", "wrong_type", "must be a language tag such as en or zh-Hans")


@contextmanager
def _put_down(
    runtime: Runtime, chunks: Iterable[bytes], ending: str, limit: int
) -> Generator[tuple[Path, str]]:
    """The bytes in a file with their digest: a table is read twice. The file is gone afterwards."""
    directory = runtime.settings.home / "uploads"
    directory.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with tempfile.NamedTemporaryFile(dir=directory, suffix=ending) as file:
        for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise TooLarge(f"The file is larger than the limit of {limit:,} bytes.")
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        yield Path(file.name), digest.hexdigest()


def _identity(details: LabelledSetDetails, sha256: str) -> str:
    told = orjson.dumps(
        [sha256, dict(details.columns.types), dict(details.columns.names)],
        option=orjson.OPT_SORT_KEYS,
    )
    return hashlib.sha256(told).hexdigest()


def _stored(
    runtime: Runtime, details: LabelledSetDetails, path: Path, sha256: str
) -> AddedLabelledSet:
    identity = _identity(details, sha256)
    existing = _by_identity(runtime, identity)
    if existing is not None:
        return AddedLabelledSet(existing, created=False)
    seen = _Columns(details.columns)
    limits = UploadLimits(max_bytes=runtime.settings.max_upload_mib << 20)
    batches = _batches(path, details.columns, seen, limits)
    # Before the transaction: a table is looked through whole before its first row comes.
    first = next(batches, None)
    if first is None:
        detail = "The file holds no rows."
        raise InvalidUpload(detail, UploadReport(), code="empty_upload")
    try:
        with runtime.database.transaction() as connection:
            values = {"sha256": sha256, "identity": identity}
            added = _insert(connection, details, values, chain([first], batches), seen)
    except Conflict:
        # Equal files at once: the unique digest let one in, and this is another.
        existing = _by_identity(runtime, identity)
        if existing is None:
            raise
        return AddedLabelledSet(existing, created=False)
    return AddedLabelledSet(get(runtime, added), created=True)


def _by_identity(runtime: Runtime, identity: str) -> LabelledSet | None:
    with runtime.database.transaction() as connection:
        return queries.by_identity(connection, identity)


def _insert(
    connection: Connection,
    details: LabelledSetDetails,
    known: Mapping[str, object],
    batches: Iterable[list[bytes]],
    seen: "_Columns",
) -> UUID:
    labelled_set_id, count = new_id(), 0
    values = {name: getattr(details, name) for name in ("name", "language", "licence", "source")}
    queries.insert(connection, {"id": labelled_set_id, **values, **known, "columns": {}})
    for batch in batches:
        queries.copy_rows(connection, labelled_set_id, count, batch)
        count += len(batch)
    queries.complete(connection, labelled_set_id, count, seen.told())
    return labelled_set_id


def _batches(
    path: Path, columns: Columns, seen: "_Columns", limits: UploadLimits
) -> Iterator[list[bytes]]:
    with labelled_rows(path, columns, limits=limits) as rows:
        batch: list[bytes] = []
        for row, fields in rows:
            seen.see(fields)
            batch.append(_written(row.number, fields))
            if len(batch) == _BATCH:
                yield batch
                batch = []
        rows.done()
        if batch:
            yield batch


def _written(line: int, fields: Mapping[str, object]) -> bytes:
    try:
        return json_bytes(fields)
    except (orjson.JSONEncodeError, RecursionError) as error:
        problem = LineProblem(line, "wrong_type", f"the row cannot be stored: {error}")
        report = UploadReport(errors=(problem,), error_count=1, lines_read=line)
        raise InvalidUpload(f"Row {line} cannot be stored.", report) from error


class _Columns:
    """What the columns of a file turned out to hold."""

    def __init__(self, told: Columns) -> None:
        self._told = told
        self._kinds: dict[str, set[str]] = {}

    def see(self, fields: Mapping[str, object]) -> None:
        """Take one more row into account."""
        for name, value in fields.items():
            self._kinds.setdefault(name, set()).add(_kind(value))

    def told(self) -> Mapping[str, object]:
        """By column: the kinds of its values, and the names of its classes where it has some."""
        found: dict[str, object] = {}
        for name, kinds in self._kinds.items():
            if name in self._told.extra():
                continue
            names = self._told.names.get(name)
            found[name.replace("\0", "")] = {"types": sorted(kinds), "label_names": names}
        return found


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "text")


def get(runtime: Runtime, labelled_set_id: UUID) -> LabelledSet:
    """One set; raises NotFound."""
    with runtime.database.transaction() as connection:
        found = queries.get(connection, labelled_set_id)
    if found is None:
        raise NotFound(f"There is no labelled set {labelled_set_id}.")
    return found


def page(runtime: Runtime, *, cursor: str | None = None, limit: int = 50) -> Page[LabelledSet]:
    """Sets, newest first."""
    with runtime.database.transaction() as connection:
        return queries.page(connection, cursor=cursor, limit=limit)


def page_rows(
    runtime: Runtime, labelled_set_id: UUID, *, cursor: str | None = None, limit: int = 50
) -> Page[NumberedRow]:
    """Rows of a set with their numbers, in file order; raises NotFound."""
    get(runtime, labelled_set_id)
    with runtime.database.transaction() as connection:
        return queries.page_rows(connection, labelled_set_id, cursor=cursor, limit=limit)


def delete(runtime: Runtime, labelled_set_id: UUID) -> None:
    """Remove a set that no job uses; raises NotFound or InUse."""
    with runtime.database.transaction() as connection:
        users = queries.users(connection, labelled_set_id)
        if users:
            names = ", ".join(str(each) for each in users)
            raise InUse(f"Jobs use this labelled set: {names}. Delete them first.")
        if not queries.delete(connection, labelled_set_id):
            raise NotFound(f"There is no labelled set {labelled_set_id}.")
        audit.note(runtime, connection, "labelled_set.delete", labelled_set_id)
