"""Queries for the report of a job: curves in buckets, and rows evenly spread."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.db.call_tables import ledger
from app.db.tables import candidates, conversations, rows
from app.domain.lifecycle import CandidateState, ConversationKind, RowState

_accepted = sa.and_(
    rows.c.state == RowState.ACCEPTED,
    sa.or_(rows.c.verdict.is_(None), rows.c.verdict != "dropped"),
)


def saturation(
    connection: sa.Connection, job_id: UUID, calls: int, buckets: int
) -> Sequence[tuple[int, int, int]]:
    """(bucket from 1, candidates, novel ones) of so many equal parts of the proposing calls."""
    part = sa.func.width_bucket(candidates.c.number, 0, max(1, calls), buckets)
    bucket = sa.func.least(part, buckets).label("bucket")
    novel = sa.func.count().filter(candidates.c.state == CandidateState.NOVEL)
    query = (
        sa.select(bucket, sa.func.count(), novel)
        .where(candidates.c.job_id == job_id)
        .group_by(bucket)
        .order_by(bucket)
    )
    return [(at, count, new) for at, count, new in connection.execute(query)]


def saturation_of_some(
    connection: sa.Connection, job_id: UUID, numbers: Sequence[int], calls: int, buckets: int
) -> Sequence[tuple[int, int, int]]:
    """The same of the proposing calls with these numbers alone, found without reading others."""
    part = sa.func.width_bucket(conversations.c.number, 0, max(1, calls), buckets)
    bucket = sa.func.least(part, buckets).label("bucket")
    novel = sa.func.count().filter(candidates.c.state == CandidateState.NOVEL)
    query = (
        sa.select(bucket, sa.func.count(), novel)
        .join_from(conversations, candidates, candidates.c.conversation_id == conversations.c.id)
        .where(
            conversations.c.job_id == job_id,
            conversations.c.kind == ConversationKind.PROPOSE,
            conversations.c.number == sa.any_(_numbers(numbers)),
        )
        .group_by(bucket)
        .order_by(bucket)
    )
    return [(at, count, new) for at, count, new in connection.execute(query)]


def _numbers(numbers: Sequence[int]) -> "sa.ColumnElement[Any]":
    return sa.literal(list(numbers), ARRAY(sa.BigInteger))


def span(connection: sa.Connection, job_id: UUID) -> tuple[float, float] | None:
    """When the first and the last call was entered into the ledger, as epoch seconds."""
    at = sa.func.extract("epoch", ledger.c.at)
    found = connection.execute(
        sa.select(sa.func.min(at), sa.func.max(at)).where(ledger.c.job_id == job_id)
    ).one()
    return None if found[0] is None else (float(found[0]), float(found[1]))


def spent(
    connection: sa.Connection, job_id: UUID, first: float, last: float, buckets: int
) -> Sequence[tuple[int, int]]:
    """(bucket from 1, micro-USD) of so many equal parts of that time."""
    bucket = _bucket(ledger.c.at, first, last, buckets)
    query = (
        sa.select(bucket, sa.func.sum(ledger.c.spent_delta))
        .where(ledger.c.job_id == job_id)
        .group_by(bucket)
        .order_by(bucket)
    )
    return [(at, int(paid)) for at, paid in connection.execute(query)]


def accepted(
    connection: sa.Connection, job_id: UUID, first: float, last: float, buckets: int
) -> Sequence[tuple[int, int]]:
    """(bucket from 1, accepted rows) of so many equal parts of that time."""
    bucket = _bucket(rows.c.created_at, first, last, buckets)
    query = (
        sa.select(bucket, sa.func.count())
        .where(rows.c.job_id == job_id, _accepted)
        .group_by(bucket)
        .order_by(bucket)
    )
    return [(at, count) for at, count in connection.execute(query)]


def _bucket(column: sa.Column[object], first: float, last: float, buckets: int) -> sa.Label[int]:
    """Which part of the time something falls into; what lies beyond belongs to the ends."""
    at = sa.cast(sa.func.extract("epoch", column), sa.Float)
    part = sa.func.width_bucket(at, first, max(last, first + 1e-3), buckets)
    return sa.func.greatest(1, sa.func.least(part, buckets)).label("bucket")


def texts_of_some(
    connection: sa.Connection, job_id: UUID, last_seq: int, most: int
) -> Sequence[tuple[str, str, str]]:
    """The texts of at most so many rows of a dataset that ends at a place, without reading others.

    Evenly spread by the place of their instruction: the first row at or behind each of so many.
    """
    step = max(1, -(-last_seq // most))
    places = sa.func.generate_series(1, last_seq, step).table_valued("at").render_derived("places")
    at = places.c.at
    nearest = (
        sa.select(rows.c.id, rows.c.instruction, rows.c.input, rows.c.output)
        .where(rows.c.job_id == job_id, _accepted, rows.c.pool_seq >= at)
        .order_by(rows.c.pool_seq, rows.c.position)
        .limit(1)
        .lateral("nearest")
    )
    query = sa.select(nearest).select_from(places.join(nearest, sa.true())).order_by(at)
    found = {key: texts for key, *texts in connection.execute(query)}
    return [(a, b, c) for a, b, c in found.values()]


def place_of(connection: sa.Connection, job_id: UUID, behind: int) -> int:
    """The place in the pool of the row that so many others follow in the dataset; 0 without one."""
    query = (
        sa.select(rows.c.pool_seq)
        .where(rows.c.job_id == job_id, _accepted)
        .order_by(rows.c.pool_seq.desc(), rows.c.position.desc())
        .offset(behind)
        .limit(1)
    )
    return connection.execute(query).scalar() or 0


def texts(
    connection: sa.Connection, job_id: UUID, target_rows: int, most: int
) -> tuple[int, Sequence[tuple[str, str, str]]]:
    """How many rows the dataset has, and the texts of at most so many, evenly spread.

    The dataset is what an export holds: the first target rows by order.
    """
    own = [rows.c.job_id == job_id, _accepted]
    found = connection.execute(sa.select(sa.func.count()).where(*own)).scalar_one()
    count = min(found, target_rows)
    numbered = (
        sa.select(
            rows.c.instruction,
            rows.c.input,
            rows.c.output,
            sa.func.row_number().over(order_by=(rows.c.pool_seq, rows.c.position)).label("n"),
        )
        .where(*own)
        .subquery()
    )
    step = max(1, -(-count // most))
    query = (
        sa.select(numbered.c.instruction, numbered.c.input, numbered.c.output)
        .where(numbered.c.n <= count, (numbered.c.n - 1) % step == 0)
        .order_by(numbered.c.n)
    )
    return count, [(a, b, c) for a, b, c in connection.execute(query)]
