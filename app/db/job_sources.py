"""Queries about the jobs that a job mixes, and the order in which it takes their rows."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.db.material_tables import job_sources, mixed_rows
from app.db.tables import jobs, rows
from app.domain.lifecycle import RowState
from app.domain.materials import JobSource

# Of each source the rows that its export would hold, one group for each instruction, in an order
# drawn by the seed and cut at the cap. A group's place in the mixture is how much of its source's
# share is used up by then, so every beginning of the mixture has the wanted shares.
_MIX = sa.text(
    """
    WITH numbered AS (
        SELECT s.position AS source, s.weight, s.cap, j.target_rows,
               r.id, r.candidate_id, r.pool_seq, r.position,
               row_number() OVER (PARTITION BY s.position ORDER BY r.pool_seq, r.position) AS nth
        FROM job_sources s
        JOIN jobs j ON j.id = s.source_job_id
        JOIN rows r ON r.job_id = s.source_job_id AND r.state = 'accepted'
                   AND r.verdict IS DISTINCT FROM 'dropped'
        WHERE s.job_id = :job_id
    ), grouped AS (
        SELECT source, weight, cap, min(pool_seq) AS seq, count(*) AS size,
               array_agg(id ORDER BY position) AS row_ids
        FROM numbered WHERE nth <= target_rows
        GROUP BY source, weight, cap, candidate_id
    ), drawn AS (
        SELECT *, sum(size) OVER (
            PARTITION BY source ORDER BY md5(concat_ws(':', CAST(:seed AS text), source, seq)), seq
        ) AS upto
        FROM grouped
    ), kept AS (
        SELECT *, sum(size) OVER (PARTITION BY source) AS whole
        FROM drawn WHERE upto <= coalesce(cap, upto)
    )
    INSERT INTO mixed_rows (job_id, number, row_ids)
    SELECT :job_id, row_number() OVER (
               ORDER BY (upto - size / 2.0) / coalesce(weight, whole), source, seq
           ) - 1, row_ids
    FROM kept WHERE weight IS NULL OR weight > 0
    """
)

_TAKEN = sa.text(
    """
    SELECT m.number, r.id, r.job_id, r.instruction, r.input, r.output, r.is_classification,
           r.messages, r.facts
    FROM mixed_rows m
    CROSS JOIN LATERAL unnest(m.row_ids) WITH ORDINALITY AS listed (id, place)
    JOIN rows r ON r.id = listed.id
    WHERE m.job_id = :job_id AND m.number >= :first AND m.number < :first + :count
    ORDER BY m.number, listed.place
    """
)


def insert(connection: sa.Connection, job_id: UUID, sources: Sequence[JobSource]) -> None:
    """Store what a job mixes."""
    for position, each in enumerate(sources):
        values = {"job_id": job_id, "position": position, "source_job_id": each.job_id}
        connection.execute(job_sources.insert().values(**values, weight=each.weight, cap=each.cap))


def of_job(connection: sa.Connection, job_id: UUID) -> Sequence[JobSource]:
    """What a job mixes, in the order in which it was named."""
    query = (
        sa.select(job_sources.c.source_job_id, job_sources.c.weight, job_sources.c.cap)
        .where(job_sources.c.job_id == job_id)
        .order_by(job_sources.c.position)
    )
    return [JobSource(*row) for row in connection.execute(query)]


def users(connection: sa.Connection, job_id: UUID, *, limit: int = 10) -> list[UUID]:
    """Jobs that mix the rows of this one."""
    query = sa.select(job_sources.c.job_id).where(job_sources.c.source_job_id == job_id)
    return list(connection.execute(query.limit(limit)).scalars())


def row_count(connection: sa.Connection, job_id: UUID) -> int:
    """How many rows an export of the job would hold."""
    accepted = sa.select(sa.func.count()).where(
        rows.c.job_id == job_id,
        rows.c.state == RowState.ACCEPTED,
        sa.or_(rows.c.verdict.is_(None), rows.c.verdict != "dropped"),
    )
    target = sa.select(jobs.c.target_rows).where(jobs.c.id == job_id).scalar_subquery()
    query = sa.select(sa.func.least(accepted.scalar_subquery(), target))
    return connection.execute(query).scalar_one() or 0


def lay_out(connection: sa.Connection, job_id: UUID, random_seed: int) -> None:
    """Fix, once and for all, which rows of its sources a job takes, and in which order."""
    connection.execute(_MIX, {"job_id": job_id, "seed": str(random_seed)})


def laid_out(connection: sa.Connection, job_id: UUID) -> int:
    """How many instructions there are to take."""
    query = sa.select(sa.func.count()).where(mixed_rows.c.job_id == job_id)
    return connection.execute(query).scalar_one()


def taken(
    connection: sa.Connection, job_id: UUID, first: int, count: int
) -> Sequence[Sequence[Mapping[str, Any]]]:
    """The rows of up to `count` instructions from number `first` on, in order."""
    found = connection.execute(_TAKEN, {"job_id": job_id, "first": first, "count": count})
    groups: dict[int, list[Mapping[str, Any]]] = {}
    for row in found:
        values = row._asdict()
        groups.setdefault(values["number"], []).append(values)
    return list(groups.values())


def some_rows(
    connection: sa.Connection, job_ids: Sequence[UUID], most: int
) -> Sequence[Mapping[str, Any]]:
    """At most so many accepted rows of jobs, in the order of their ids."""
    names = ("id", "job_id", "instruction", "input", "output", "is_classification")
    query = (
        sa.select(*(rows.c[name] for name in (*names, "messages", "facts")))
        .where(rows.c.job_id.in_(job_ids), rows.c.state == RowState.ACCEPTED)
        .order_by(rows.c.id)
        .limit(most)
    )
    return [each._asdict() for each in connection.execute(query)]


def size(connection: sa.Connection, job_ids: Sequence[UUID]) -> tuple[int, int, int]:
    """Accepted rows of jobs, the bytes of their instructions, and those of the longest row."""
    instruction = sa.func.octet_length(rows.c.instruction)
    messages = sa.func.coalesce(sa.func.octet_length(sa.cast(rows.c.messages, sa.Text)), 0)
    texts = sa.func.octet_length(rows.c.input) + sa.func.octet_length(rows.c.output)
    query = sa.select(
        sa.func.count(),
        sa.func.coalesce(sa.func.sum(instruction), 0),
        sa.func.coalesce(sa.func.max(instruction + texts + messages), 0),
    ).where(rows.c.job_id.in_(job_ids), rows.c.state == RowState.ACCEPTED)
    count, total, longest = connection.execute(query).one()
    return count, int(total), int(longest)
