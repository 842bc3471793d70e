"""What someone who watches a job wants to see of it: what was dropped and the last error."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by

from app.db.call_tables import completions, slots
from app.db.review_tables import row_decisions
from app.db.tables import candidates, job_counts, jobs, pool_rows, teachers, workers
from app.domain.lifecycle import FINAL_JOB_STATES, CandidateState, Delivery
from app.domain.watching import DroppedText, LastError, Trouble

_COMMA = sa.literal(",")


def newest_drops(connection: sa.Connection, job_id: UUID, limit: int) -> Sequence[DroppedText]:
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
    return [
        DroppedText(text, reasons[0] if reasons else "", score, nearest)
        for text, reasons, score, nearest in connection.execute(query)
    ]


def last_error(connection: sa.Connection, job_id: UUID) -> LastError | None:
    """The newest error of a call."""
    age_s = sa.func.extract("epoch", sa.func.clock_timestamp() - slots.c.updated_at)
    query = (
        sa.select(slots.c.state, slots.c.reason, slots.c.detail, age_s)
        .where(slots.c.job_id == job_id, slots.c.detail.is_not(None))
        .order_by(slots.c.updated_at.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else LastError(row[0], row[1] or "", row[2], float(row[3]))


def troubles(connection: sa.Connection, job_id: UUID, kinds: Sequence[str]) -> Sequence[Trouble]:
    """The newest message of each kind of failed attempt that has one, the newest first.

    Attempts without a reply leave their words with the call, until another attempt is answered.
    """
    found = [_newest_reply(connection, job_id, kind) for kind in kinds]
    found.append(_newest_call(connection, job_id))
    newest: dict[str, Trouble] = {}
    for each in sorted((each for each in found if each), key=lambda one: one.at):
        newest[each.kind] = each
    return sorted(newest.values(), key=lambda one: one.at, reverse=True)


def _newest_reply(connection: sa.Connection, job_id: UUID, kind: str) -> Trouble | None:
    query = (
        sa.select(completions.c.outcome, completions.c.error, completions.c.received_at)
        .where(
            completions.c.job_id == job_id,
            completions.c.outcome == kind,
            completions.c.error.is_not(None),
        )
        .order_by(completions.c.received_at.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else Trouble(row[0], row[1], row[2])


def _newest_call(connection: sa.Connection, job_id: UUID) -> Trouble | None:
    query = (
        sa.select(slots.c.reason, slots.c.detail, slots.c.updated_at)
        .where(slots.c.job_id == job_id, slots.c.detail.is_not(None))
        .order_by(slots.c.updated_at.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else Trouble(row[0] or "tried again", row[1], row[2])


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
    since = sa.func.clock_timestamp() - sa.func.make_interval(0, 0, 0, 0, 0, 0, lease_s)
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


def pulse_at_rest(connection: sa.Connection, job_id: UUID) -> str | None:
    """The same of all that is shown of a job that has ended, its rows and its teacher included.

    None while it has not, and where batches of it may still be told of.
    """
    newest = sa.select(sa.func.max(row_decisions.c.id)).scalar_subquery()
    counted = (
        sa.select(sa.func.sum(job_counts.c.n))
        .where(job_counts.c.job_id == job_id)
        .scalar_subquery()
    )
    query = (
        sa.select(sa.func.concat_ws("|", _version("jobs"), _version("teachers"), counted, newest))
        .join_from(jobs, teachers, teachers.c.id == jobs.c.teacher_id, isouter=True)
        .where(
            jobs.c.id == job_id,
            jobs.c.state.in_(FINAL_JOB_STATES),
            jobs.c.finished_at.is_not(None),
            jobs.c.delivery == Delivery.CALLS,
        )
    )
    return connection.execute(query).scalar()


def _version(table: str) -> "sa.ColumnElement[str]":
    """The transaction that wrote a row last."""
    return sa.cast(sa.literal_column(f"{table}.xmin"), sa.Text)
