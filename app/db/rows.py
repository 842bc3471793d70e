"""Queries about rows, ordered by their instruction in the pool, then by instance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from app.db.batches import insert_many
from app.db.call_tables import slots
from app.db.paging import cursor_number, decode_cursor, encode_cursor
from app.db.scores import overall_of
from app.db.tables import candidates, conversations, rows, seeds
from app.db.together import Question, ask
from app.domain.lifecycle import RowState
from app.domain.stored import Page, RowRecord


class ExportedRow(NamedTuple):
    """What an export wants of an accepted row, and no more: it reads millions."""

    id: UUID
    candidate_id: UUID
    pool_seq: int
    position: int
    instruction: str
    input: str
    output: str
    is_classification: bool | None
    messages: Sequence[Mapping[str, str]] | None
    facts: Mapping[str, str] | None


_exported = [rows.c[name] for name in ExportedRow._fields]
row_columns = [rows.c[name] for name in RowRecord.__slots__]
_order = (rows.c.pool_seq, rows.c.position)


def row_record(values: Mapping[str, Any]) -> RowRecord:
    """A row out of what `row_columns` selects."""
    state, reasons = RowState(values["state"]), tuple(values["reasons"])
    known = {"state": state, "reasons": reasons, "flags": tuple(values["flags"])}
    return RowRecord(**{**values, **known})


def insert(connection: sa.Connection, values: Sequence[Mapping[str, object]]) -> None:
    """Store rows as they were parsed and filtered."""
    insert_many(connection, rows, values)


def get(connection: sa.Connection, row_id: UUID) -> RowRecord | None:
    """One row, or None."""
    found = connection.execute(sa.select(*row_columns).where(rows.c.id == row_id)).first()
    return row_record(found._asdict()) if found else None


def page(
    connection: sa.Connection,
    job_id: UUID,
    *,
    state: RowState | None,
    cursor: str | None,
    limit: int,
) -> Page[RowRecord]:
    """Rows of a job in dataset order."""
    own = [rows.c.job_id == job_id]
    after = decode_cursor("rows", cursor, 2)
    if after is not None:
        behind = (cursor_number(after[0]), cursor_number(after[1], bits=31))
        own.append(sa.tuple_(*_order) > behind)
    # The index has rows in order within each state: of all states, the first of each are merged.
    firsts = [
        sa.select(rows.c.id)
        .where(*own, rows.c.state == each)
        .order_by(*_order)
        .limit(limit + 1)
        .subquery()
        for each in ([state] if state is not None else RowState)
    ]
    ids = sa.union_all(*(sa.select(each.c.id) for each in firsts))
    query = sa.select(*row_columns).where(rows.c.id.in_(ids)).order_by(*_order).limit(limit + 1)
    found = [row_record(each._asdict()) for each in connection.execute(query)]
    last = found[limit - 1] if len(found) > limit else None
    more = encode_cursor("rows", [last.pool_seq, last.position]) if last else None
    return Page(found[:limit], more)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows are looked for: of a state, dropped for a reason, holding a text (any case), with
    a score of so much by that judging job, or by the newest that judged them."""

    state: RowState
    reason: str | None = None
    text: str | None = None
    min_score: float | None = None
    judge_job_id: UUID | None = None

    def fits(self, table: "sa.FromClause") -> Sequence[sa.ColumnElement[bool]]:
        """The conditions that no index answers."""
        found: list[sa.ColumnElement[bool]] = []
        if self.reason is not None:
            found.append(sa.literal(self.reason) == sa.any_(table.c.reasons))
        if self.text is not None:
            whole = table.c.instruction + "\n" + table.c.input + "\n" + table.c.output
            found.append(sa.func.strpos(sa.func.lower(whole), self.text.lower()) > 0)
        if self.min_score is not None:
            found.append(overall_of(table, self.judge_job_id) >= self.min_score)
        return found


def search(
    connection: sa.Connection,
    job_id: UUID,
    wanted: Wanted,
    *,
    cursor: str | None,
    limit: int,
    most_read: int,
) -> Page[RowRecord]:
    """Rows that fit among the next `most_read` of a job, in dataset order.

    There may be fewer than `limit`, or none, and a next page all the same: the rest is not read.
    """
    after = decode_cursor("rows", cursor, 2)
    own = [rows.c.job_id == job_id, rows.c.state == wanted.state]
    if after is not None:
        behind = (cursor_number(after[0]), cursor_number(after[1], bits=31))
        own.append(sa.tuple_(*_order) > behind)
    window = sa.select(*row_columns).where(*own).order_by(*_order).limit(most_read).subquery()
    query = (
        sa.select(window)
        .where(*wanted.fits(window))
        .order_by(window.c.pool_seq, window.c.position)
        .limit(limit + 1)
    )
    found = [row_record(each._asdict()) for each in connection.execute(query)]
    if len(found) > limit:
        last = (found[limit - 1].pool_seq, found[limit - 1].position)
    else:
        end = sa.select(*_order).where(*own).order_by(*_order).offset(most_read - 1).limit(1)
        row = connection.execute(end).first()
        last = None if row is None else (row[0], row[1])
    return Page(found[:limit], encode_cursor("rows", list(last)) if last else None)


def cursor_behind(row: RowRecord) -> str:
    """The cursor of a page that begins behind a row."""
    return encode_cursor("rows", [row.pool_seq, row.position])


def newest(connection: sa.Connection, job_id: UUID, limit: int) -> Sequence[RowRecord]:
    """The accepted rows at the end of the dataset, the last one first."""
    return ask(connection, newest_question(job_id, limit))


def newest_question(job_id: UUID, limit: int) -> Question[Sequence[RowRecord]]:
    """The accepted rows at the end of the dataset, the last one first."""
    query = (
        sa.select(*row_columns)
        .where(rows.c.job_id == job_id, rows.c.state == RowState.ACCEPTED)
        .order_by(*(column.desc() for column in _order))
        .limit(limit)
    )
    return Question(query, lambda found: [row_record(each._asdict()) for each in found])


def accepted_after(
    connection: sa.Connection, job_id: UUID, key: tuple[int, int], limit: int
) -> Sequence[ExportedRow]:
    """Up to `limit` accepted rows behind (pool_seq, position), in dataset order."""
    query = (
        sa.select(*_exported)
        .where(
            rows.c.job_id == job_id,
            rows.c.state == RowState.ACCEPTED,
            sa.or_(rows.c.verdict.is_(None), rows.c.verdict != "dropped"),
            sa.tuple_(*_order) > key,
        )
        .order_by(*_order)
        .limit(limit)
    )
    return [ExportedRow._make(each) for each in connection.execute(query)]


def mean_bytes(connection: sa.Connection, job_id: UUID, sample: int = 1000) -> float:
    """How many bytes of text an accepted row has in the mean, by the first of them."""
    texts = (rows.c.instruction, rows.c.input, rows.c.output)
    size = sum((sa.func.octet_length(each) for each in texts), sa.literal(0))
    messages = sa.func.coalesce(sa.func.octet_length(sa.cast(rows.c.messages, sa.Text)), 0)
    query = (
        sa.select((size + messages).label("size"))
        .where(rows.c.job_id == job_id, rows.c.state == RowState.ACCEPTED)
        .order_by(*_order)
        .limit(sample)
        .subquery()
    )
    return float(connection.execute(sa.select(sa.func.avg(query.c.size))).scalar() or 0.0)


def in_state_after(
    connection: sa.Connection, job_id: UUID, state: RowState, key: tuple[int, int], limit: int
) -> Sequence[RowRecord]:
    """Up to `limit` rows in a state behind (pool_seq, position), in dataset order."""
    query = (
        sa.select(*row_columns)
        .where(rows.c.job_id == job_id, rows.c.state == state, sa.tuple_(*_order) > key)
        .order_by(*_order)
        .limit(limit)
    )
    return [row_record(each._asdict()) for each in connection.execute(query)]


def lineage(connection: sa.Connection, row_id: UUID) -> Mapping[str, Any] | None:
    """Where a row came from: candidate, both calls with their prompts, and the sources shown.

    A call that was not made has no slot and no prompt.
    """
    proposing = slots.alias("proposing")
    answering = slots.alias("answering")
    query = (
        sa.select(
            candidates.c.instruction.label("candidate"),
            candidates.c.nearest_score,
            conversations.c.sources,
            proposing.c.id.label("propose_slot"),
            proposing.c.prompt.label("propose_prompt"),
            answering.c.id.label("answer_slot"),
            answering.c.prompt.label("answer_prompt"),
        )
        .select_from(
            rows.join(candidates, candidates.c.id == rows.c.candidate_id)
            .join(conversations, conversations.c.id == candidates.c.conversation_id)
            .join(proposing, proposing.c.id == candidates.c.slot_id, isouter=True)
            .join(answering, answering.c.id == rows.c.slot_id, isouter=True)
        )
        .where(rows.c.id == row_id)
    )
    found = connection.execute(query).first()
    return found._asdict() if found else None


def instructions(
    connection: sa.Connection, seed_ids: Sequence[UUID], candidate_ids: Sequence[UUID]
) -> Mapping[str, str]:
    """The texts of seeds and of candidates, by id."""
    found: dict[str, str] = {}
    for table, ids in ((seeds, seed_ids), (candidates, candidate_ids)):
        if ids:
            query = sa.select(table.c.id, table.c.instruction).where(table.c.id.in_(ids))
            found |= {str(key): text for key, text in connection.execute(query)}
    return found
