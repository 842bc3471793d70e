"""Queries for the report of a job: curves in buckets, and rows evenly spread."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from app.db.call_tables import ledger
from app.db.tables import candidates, rows
from app.domain.lifecycle import CandidateState, RowState

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
