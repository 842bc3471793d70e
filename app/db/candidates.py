"""Queries about candidate instructions."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.db.batches import insert_many, update_many
from app.db.paging import cursor_id, decode_cursor, encode_cursor
from app.db.tables import candidates, conversations, jobs, pool_rows
from app.domain.lifecycle import (
    CandidateState,
    ConversationKind,
    ConversationState,
    JobState,
)
from app.domain.stored import CandidateRecord, Page

# What answering a candidate takes.
_ANSWERED = [
    candidates.c[name]
    for name in (
        "id",
        "instruction",
        "is_classification",
        "instances",
        "facts",
        "slot_id",
        "pool_seq",
    )
]

_round_is_open = sa.and_(
    jobs.c.options["order"].astext == "strict",
    sa.exists()
    .where(
        conversations.c.job_id == candidates.c.job_id,
        conversations.c.kind == ConversationKind.PROPOSE,
        conversations.c.state == ConversationState.OPEN,
    )
    .correlate(candidates),
)


def insert(connection: sa.Connection, values: Sequence[Mapping[str, object]]) -> None:
    """Store candidates as they were parsed."""
    insert_many(connection, candidates, values)


def proposed(connection: sa.Connection, pool_id: UUID, limit: int) -> Sequence[Mapping[str, Any]]:
    """Candidates that wait for admission, in slot order.

    Under strict order a job's candidates wait until its whole round has been answered.
    """
    query = (
        sa.select(
            candidates.c.id,
            candidates.c.job_id,
            candidates.c.instruction,
        )
        .join_from(candidates, jobs, jobs.c.id == candidates.c.job_id)
        .where(
            candidates.c.pool_id == pool_id,
            candidates.c.state == CandidateState.PROPOSED,
            sa.not_(_round_is_open),
        )
        .order_by(candidates.c.number, candidates.c.position)
        .limit(limit)
    )
    return [row._asdict() for row in connection.execute(query)]


def admit(connection: sa.Connection, changes: Sequence[Mapping[str, object]]) -> None:
    """Write the fate of candidates: id, state, reason, pool_seq, nearest_*."""
    update_many(
        connection,
        candidates,
        changes,
        also_set="reasons = array_remove(ARRAY[given.reason], NULL)",
        only_where="candidates.state = 'proposed'",
        given_types=(("reason", "text"),),
    )


def pools_waiting(connection: sa.Connection, limit: int = 100) -> list[UUID]:
    """Pools with candidates that wait for admission and can have it.

    Where embeddings must be paid for, only a job that is running pays.
    """
    query = (
        sa.select(candidates.c.pool_id)
        .join_from(candidates, jobs, jobs.c.id == candidates.c.job_id)
        .where(
            candidates.c.state == CandidateState.PROPOSED,
            sa.or_(jobs.c.embedder_id.is_(None), jobs.c.state == JobState.RUNNING),
            sa.not_(_round_is_open),
        )
        .distinct()
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def take_unanswered(
    connection: sa.Connection, job_id: UUID, limit: int
) -> Sequence[Mapping[str, Any]]:
    """Novel candidates that nobody answers yet, in pool order; marks them as being answered."""
    chosen = (
        sa.select(candidates.c.id)
        .where(
            candidates.c.job_id == job_id,
            candidates.c.state == CandidateState.NOVEL,
            sa.not_(candidates.c.answering),
        )
        .order_by(candidates.c.pool_seq)
        .limit(limit)
    )
    done = connection.execute(
        candidates.update()
        .where(candidates.c.id.in_(chosen.scalar_subquery()))
        .values(answering=True)
        .returning(*_ANSWERED)
    )
    return sorted((row._asdict() for row in done), key=lambda each: each["pool_seq"])


def by_ids(connection: sa.Connection, ids: Collection[UUID]) -> Mapping[UUID, Mapping[str, Any]]:
    """What an answer conversation needs of its candidates."""
    query = sa.select(*_ANSWERED).where(candidates.c.id.in_(ids))
    return {row.id: row._asdict() for row in connection.execute(query)}


def rejected_after(
    connection: sa.Connection, job_id: UUID, candidate_id: UUID, limit: int
) -> Sequence[tuple[UUID, str, tuple[str, ...]]]:
    """Up to `limit` rejected candidates behind an id: id, instruction, reasons."""
    query = (
        sa.select(candidates.c.id, candidates.c.instruction, candidates.c.reasons)
        .where(
            candidates.c.job_id == job_id,
            candidates.c.id > candidate_id,
            candidates.c.state == CandidateState.REJECTED,
        )
        .order_by(candidates.c.id)
        .limit(limit)
    )
    return [(row[0], row[1], tuple(row[2])) for row in connection.execute(query)]


def classify(connection: sa.Connection, verdicts: Mapping[UUID, bool]) -> None:
    """Keep what the classification step found."""
    update_many(
        connection,
        candidates,
        [{"id": key, "is_classification": value} for key, value in verdicts.items()],
    )


def recent_fates(connection: sa.Connection, job_id: UUID, window: int) -> Mapping[str, int]:
    """How the newest `window` judged candidates ended, by state."""
    newest = (
        sa.select(candidates.c.state)
        .where(candidates.c.job_id == job_id, candidates.c.state != CandidateState.PROPOSED)
        .order_by(candidates.c.id.desc())
        .limit(window)
        .subquery()
    )
    query = sa.select(newest.c.state, sa.func.count()).group_by(newest.c.state)
    return {row[0]: row[1] for row in connection.execute(query)}


_OWN = (
    "id",
    "instruction",
    "is_classification",
    "state",
    "reasons",
    "nearest_score",
    "nearest_cosine",
    "facts",
    "number",
    "position",
    "created_at",
)
# Dropped ones that a page looks at for a reason: no index answers it, and so many take 0.1 s.
_MOST_READ = 20_000


def page(
    connection: sa.Connection,
    job_id: UUID,
    *,
    state: CandidateState | None,
    reason: str | None,
    cursor: str | None,
    limit: int,
    most_read: int = _MOST_READ,
) -> Page[CandidateRecord]:
    """Candidates of a job, newest first, each with the text of the nearest row.

    For a reason only the next `most_read` are looked at: there may be fewer than `limit`, or none,
    and a next page all the same.
    """
    own = [candidates.c.job_id == job_id]
    if state is not None:
        own.append(candidates.c.state == state)
    after = decode_cursor("candidates", cursor, 1)
    if after is not None:
        own.append(candidates.c.id < cursor_id(after[0]))
    if reason is None:
        found = _newest(connection, own, limit + 1)
        read_to = None
    else:
        # Only what was dropped has reasons, and it has an index of its own.
        own.append(candidates.c.state.in_([CandidateState.DUPLICATE, CandidateState.REJECTED]))
        ids = sa.select(candidates.c.id).where(*own).order_by(candidates.c.id.desc())
        read_to = connection.execute(ids.offset(most_read - 1).limit(1)).scalar()
        if read_to is not None:
            own.append(candidates.c.id >= read_to)
        own.append(candidates.c.reasons.contains([reason]))
        found = _newest(connection, own, limit + 1)
    last = found[limit - 1].id if len(found) > limit else read_to
    return Page(found[:limit], encode_cursor("candidates", [str(last)]) if last else None)


def _newest(
    connection: sa.Connection, own: Sequence[sa.ColumnElement[bool]], limit: int
) -> Sequence[CandidateRecord]:
    """The newest that fit, with the text of the nearest row."""
    nearest = sa.and_(
        pool_rows.c.pool_id == candidates.c.pool_id, pool_rows.c.seq == candidates.c.nearest_seq
    )
    query = (
        sa.select(*(candidates.c[name] for name in _OWN), pool_rows.c.text.label("nearest_text"))
        .join_from(candidates, pool_rows, nearest, isouter=True)
        .where(*own)
        .order_by(candidates.c.id.desc())
        .limit(limit)
    )
    return [_record(row._asdict()) for row in connection.execute(query)]


def _record(values: dict[str, Any]) -> CandidateRecord:
    state, reasons = CandidateState(values.pop("state")), tuple(values.pop("reasons"))
    return CandidateRecord(state=state, reasons=reasons, **values)
