"""What someone who watches a job wants to see of it: what was dropped and the last error."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by

from app.db.call_tables import completions, slots
from app.db.clock import NOW, seconds
from app.db.tables import candidates, job_counts, jobs, pool_rows, workers
from app.db.together import Question, ask
from app.domain.lifecycle import CandidateState
from app.domain.watching import DroppedText, LastError, Trouble

_COMMA = sa.literal(",")


def newest_drops(connection: sa.Connection, job_id: UUID, limit: int) -> Sequence[DroppedText]:
    """The newest candidates that were dropped, each with its first reason."""
    return ask(connection, drops_question(job_id, limit))


def drops_question(job_id: UUID, limit: int) -> Question[Sequence[DroppedText]]:
    """The newest candidates that were dropped, each with its first reason."""
    query = (
        sa.select(
            candidates.c.instruction,
            candidates.c.reasons,
            candidates.c.nearest_score,
            pool_rows.c.text,
        )
        .join_from(
            candidates,
            pool_rows,
            sa.and_(
                pool_rows.c.pool_id == candidates.c.pool_id,
                pool_rows.c.seq == candidates.c.nearest_seq,
            ),
            isouter=True,
        )
        .where(
            candidates.c.job_id == job_id,
            candidates.c.state.in_([CandidateState.DUPLICATE, CandidateState.REJECTED]),
        )
        .order_by(candidates.c.id.desc())
        .limit(limit)
    )
    return Question(query, _dropped)


def _dropped(rows: Sequence[Any]) -> Sequence[DroppedText]:
    return [
        DroppedText(text, reasons[0] if reasons else "", score, nearest)
        for text, reasons, score, nearest in rows
    ]


def last_error(connection: sa.Connection, job_id: UUID) -> LastError | None:
    """The newest error of a call."""
    age_s = sa.func.extract("epoch", NOW - slots.c.updated_at)
    query = (
        sa.select(slots.c.state, slots.c.reason, slots.c.detail, age_s)
        .where(slots.c.job_id == job_id, slots.c.detail.is_not(None))
        .order_by(slots.c.updated_at.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else LastError(row[0], row[1] or "", row[2], float(row[3]))


def troubles(job_id: UUID) -> Question[Sequence[Trouble]]:
    """The newest message of each kind of failed attempt that has one, the newest first.

    Attempts without a reply leave their words with the call, until another attempt is answered.
    """
    query = sa.union_all(_newest_replies(job_id), _newest_call(job_id)).subquery()
    return Question(sa.select(query), _newest_of_each)


def _newest_of_each(rows: Sequence[Any]) -> Sequence[Trouble]:
    found = [Trouble(kind or "tried again", detail, at) for kind, detail, at in rows]
    newest = {each.kind: each for each in sorted(found, key=lambda one: one.at)}
    return sorted(newest.values(), key=lambda one: one.at, reverse=True)


def _newest_replies(job_id: UUID) -> "sa.Select[*tuple[Any, ...]]":
    """Of each kind that was counted."""
    kinds = sa.select(job_counts.c.name).where(
        job_counts.c.job_id == job_id, job_counts.c.family == "error"
    )
    kind = kinds.subquery("kind")
    newest = (
        sa.select(completions.c.error, completions.c.received_at)
        .where(
            completions.c.job_id == job_id,
            completions.c.outcome == kind.c.name,
            completions.c.error.is_not(None),
        )
        .order_by(completions.c.received_at.desc())
        .limit(1)
        .lateral("newest")
    )
    return sa.select(kind.c.name, newest.c.error, newest.c.received_at).join_from(
        kind, newest, sa.true()
    )


def _newest_call(job_id: UUID) -> "sa.Select[*tuple[Any, ...]]":
    newest = (
        sa.select(slots.c.reason, slots.c.detail, slots.c.updated_at)
        .where(slots.c.job_id == job_id, slots.c.detail.is_not(None))
        .order_by(slots.c.updated_at.desc())
        .limit(1)
        .subquery()
    )
    return sa.select(newest)


def pulse(connection: sa.Connection, job_id: UUID, *, lease_s: float) -> str | None:
    """A text that is another one as soon as a job, its counters or its teacher's gates changed.

    None where there is no such job. All that moves is counted in the transaction that moves it.
    """
    counted = (
        sa.select(
            sa.func.string_agg(
                sa.func.concat_ws("=", job_counts.c.family, job_counts.c.name, job_counts.c.n),
                aggregate_order_by(_COMMA, job_counts.c.family, job_counts.c.name),
            )
        )
        .where(job_counts.c.job_id == job_id)
        .scalar_subquery()
    )
    since = NOW - seconds(lease_s)
    gates = (
        sa.select(
            sa.func.string_agg(
                sa.cast(workers.c.gates, sa.Text), aggregate_order_by(_COMMA, workers.c.id)
            )
        )
        .where(workers.c.heartbeat_at >= since)
        .scalar_subquery()
    )
    query = sa.select(sa.func.concat_ws("|", _version("jobs"), counted, gates))
    return connection.execute(query.where(jobs.c.id == job_id)).scalar()


def _version(table: str) -> "sa.ColumnElement[str]":
    """The transaction that wrote a row last."""
    return sa.cast(sa.literal_column(f"{table}.xmin"), sa.Text)
