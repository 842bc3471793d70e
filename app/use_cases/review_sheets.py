"""Sheets of reviews: hand one out as CSV or JSONL, take it back filled in, whole or not at all."""

import tempfile
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

from app.db import reviews as queries
from app.db.engine import Connection
from app.domain.review import Review, ReviewedRow, same_text, text_of
from app.errors import CultivarError, InvalidUpload, Problem, TooLarge, UploadReport
from app.files.checked_rows import BadField, CheckedRows
from app.files.review_sheet import SheetKind, SheetLine, read_line, sheet_head, sheet_line
from app.files.row_files import open_rows
from app.runtime import Runtime
from app.use_cases import audit, reviews
from app.use_cases.reviews import ReviewState
from app.use_cases.verdicts import Given, Wish, read_given, record, told_text

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a sheet: `unchanged` lines said nothing new, `blank` ones nothing at all."""

    lines: int
    decided: int
    unchanged: int
    blank: int
    state: ReviewState


def sheet(runtime: Runtime, review_id: UUID, kind: SheetKind) -> Iterator[bytes]:
    """The sample as a sheet with what was said so far; raises NotFound before the first bytes."""
    reviews.get(runtime, review_id)
    return _sheet(runtime, review_id, kind)


def _sheet(runtime: Runtime, review_id: UUID, kind: SheetKind) -> Iterator[bytes]:
    yield sheet_head(kind)
    first = 0
    while True:
        with runtime.database.transaction() as connection:
            found = queries.sample(connection, review_id, first=first, limit=_PAGE)
        yield b"".join(sheet_line(each, kind) for each in found)
        if len(found) < _PAGE:
            return
        first = found[-1].position + 1


def apply(runtime: Runtime, review_id: UUID, chunks: Iterable[bytes], kind: SheetKind) -> Applied:
    """Take the verdicts of a sheet in one transaction; the same sheet once more changes nothing.

    Raises NotFound, TooLarge, NotText, and InvalidUpload with every bad line named.
    """
    with (
        _put_down(runtime, chunks, kind) as path,
        runtime.database.transaction() as connection,
    ):
        review = queries.get(connection, review_id)
        if review is None:
            raise reviews.no_review(review_id)
        applied = _apply(connection, review, path, kind)
        audit.note(runtime, connection, "review.sheet", review_id, decided=applied.decided)
        return applied


@contextmanager
def _put_down(runtime: Runtime, chunks: Iterable[bytes], kind: SheetKind) -> Generator[Path]:
    """The bytes in a file that is gone afterwards."""
    limit, size = runtime.settings.max_upload_mib << 20, 0
    directory = runtime.settings.home / "uploads"
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=directory, suffix=f".{kind}") as file:
        for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise TooLarge(f"The file is larger than the limit of {limit:,} bytes.")
            file.write(chunk)
        file.flush()
        try:
            yield Path(file.name)
        except CultivarError as error:
            error.detail = error.detail.replace(file.name, "the file")
            raise


def _apply(connection: Connection, review: Review, path: Path, kind: SheetKind) -> Applied:
    known = queries.locked(connection, review.id, None)
    seen: dict[UUID, None] = {}
    with open_rows(path) as file:
        checked = CheckedRows(file, partial(_wish, known, seen, kind))
        wishes = [found for _, found in checked]
        lines = checked.done()
    if not lines:
        raise InvalidUpload("The file holds no rows.", UploadReport(), code="empty_upload")
    asked = [(row, wish) for row, wish in wishes if wish is not None]
    decided = sum(record(connection, review, row, wish) for row, wish in asked)
    return Applied(
        lines=lines,
        decided=decided,
        unchanged=len(asked) - decided,
        blank=lines - len(asked),
        state=reviews.state_of(connection, review),
    )


def _wish(
    known: Mapping[UUID, ReviewedRow],
    seen: dict[UUID, None],
    kind: SheetKind,
    fields: Mapping[str, object],
) -> tuple[ReviewedRow, Wish | None]:
    """What a line asks for, None where it says nothing; raises BadField."""
    line = read_line(fields, kind)
    row = known.get(line.row_id)
    if row is None:
        detail = f"the review has no row {line.row_id}"
        raise BadField(Problem("/row_id", "not_found", detail))
    if line.row_id in seen:
        detail = f"the row {line.row_id} stands in the file twice"
        raise BadField(Problem("/row_id", "duplicate_row", detail))
    seen[line.row_id] = None
    if not line.verdict:
        _check_blank(line, row)
        return row, None
    wish, problems = read_given(_given(line), row)
    if wish is None:
        raise BadField(_as_one(list(problems)))
    return row, wish


def _check_blank(line: SheetLine, row: ReviewedRow) -> None:
    """A line without a verdict says nothing else either."""
    told = told_text(_given(line), text_of(row.row))
    changed = not (same_text(told, text_of(row.row)) or same_text(told, row.made))
    if line.reasons or line.note.strip() or changed:
        detail = "something is filled in, but no verdict: write keep, edit or drop"
        raise BadField(Problem("/verdict", "missing_field", detail))


def _given(line: SheetLine) -> Given:
    return Given(
        verdict=line.verdict,
        reasons=line.reasons,
        note=line.note,
        reviewer=line.reviewer,
        instruction=line.instruction,
        input=line.input,
        output=line.output,
        messages=line.messages,
    )


def _as_one(problems: list[Problem]) -> Problem:
    """The first problem in full, the others behind it: a line is reported once."""
    first, *others = problems
    further = "".join(f"; {each.pointer}: {each.detail}" for each in others)
    return Problem(first.pointer, first.code, first.detail + further)
