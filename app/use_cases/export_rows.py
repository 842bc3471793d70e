"""The rows of an export in dataset order, with what their format wants to know of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from uuid import UUID

from app.db import exports, rows
from app.db.rows import ExportedRow
from app.domain.format import Format
from app.domain.records import Message, Origin, Role, Row, SeedInstance
from app.domain.stored import ExportRecord
from app.runtime import Runtime
from app.use_cases.export_origins import InstructionOrigins
from app.use_cases.export_scores import RowScores

_PAGE = 2000
# From the rows of a page to the split of each.
SplitsOf = Callable[[Sequence[ExportedRow]], Sequence[str]]


def pages(runtime: Runtime, record: ExportRecord, limit: int) -> Iterator[Sequence[ExportedRow]]:
    """Accepted rows in order; each page is a transaction of its own, so none is long."""
    key: tuple[int, int] = (-1, -1)
    left = limit
    while left > 0:
        wanted = min(_PAGE, left)
        with runtime.database.transaction() as connection:
            found = rows.accepted_after(connection, record.job_id, key, wanted)
            exports.touch(connection, record.id)
        if found:
            yield found
            key = (found[-1].pool_seq, found[-1].position)
        if len(found) < wanted:
            return
        left -= len(found)


def rows_of(
    found: Iterable[Sequence[ExportedRow]],
    chosen: Format,
    splits_of: SplitsOf,
    origins: InstructionOrigins | None,
    scores: RowScores,
) -> Iterator[Row]:
    """The rows of some pages as formats take them: one per instruction where they want that.

    A row whose instruction a person edited has one of its own.
    """
    each_row = _with_origins(found, splits_of, origins, scores)
    if not chosen.per_task:
        yield from (row for _, row in each_row)
        return
    for _, same in groupby(each_row, key=lambda pair: (pair[0], pair[1].instruction)):
        first, *others = [row for _, row in same]
        instances = tuple(SeedInstance(each.input, each.output) for each in others)
        yield replace(first, others=instances)


def _with_origins(
    found: Iterable[Sequence[ExportedRow]],
    splits_of: SplitsOf,
    origins: InstructionOrigins | None,
    scores: RowScores,
) -> Iterator[tuple[UUID, Row]]:
    for page in found:
        said = scores.of(page)
        known: Mapping[UUID, Origin] = origins.of(page) if origins else {}
        for record, split in zip(page, splits_of(page), strict=True):
            row = replace(as_row(record, split), score=said.get(record.id))
            if origins is not None:
                row = replace(row, origin=known.get(record.candidate_id))
            yield record.candidate_id, row


def as_row(record: ExportedRow, split: str) -> Row:
    """A stored row as formats take it."""
    return Row(
        id=str(record.id),
        instruction=record.instruction,
        input=record.input,
        output=record.output,
        is_classification=record.is_classification,
        messages=tuple(
            Message(Role(each["role"]), each["content"]) for each in record.messages or ()
        ),
        facts=record.facts or {},
        split=split,
    )
