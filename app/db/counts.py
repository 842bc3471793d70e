"""Counters of a job, kept in the same transaction as the moves that they count.

Families: `slot` (by state), `candidate` (by state), `row` (by state), `drop` (first reason of
every dropped candidate, row or reply), `error` (failed attempts by kind), `flag` (what was found in
rows that stand, by its name), `overlap` (rows and instructions that share something with an
evaluation set, by the set's id and the rule).
"""

from collections import Counter
from collections.abc import Mapping
from uuid import UUID

import sqlalchemy as sa

from app.db.tables import job_counts

Tally = Counter[tuple[str, str]]
OVERLAP = "overlap"

_ADD = sa.text(
    """
    INSERT INTO job_counts (job_id, family, name, n)
    SELECT :job_id, family, name, n
    FROM unnest(CAST(:families AS text[]), CAST(:names AS text[]), CAST(:counts AS bigint[]))
         AS given (family, name, n)
    ORDER BY family, name
    ON CONFLICT (job_id, family, name) DO UPDATE SET n = job_counts.n + excluded.n
    """
)


def add(connection: sa.Connection, job_id: UUID, tally: Tally) -> None:
    """Add to the counters (numbers may be negative), always in one order so nobody deadlocks."""
    changes = sorted((key, n) for key, n in tally.items() if n)
    if not changes:
        return
    values = {
        "job_id": job_id,
        "families": [key[0] for key, _ in changes],
        "names": [key[1] for key, _ in changes],
        "counts": [n for _, n in changes],
    }
    connection.execute(_ADD, values)


def of_job(connection: sa.Connection, job_id: UUID) -> Mapping[str, Mapping[str, int]]:
    """Every counter of a job, by family and name."""
    query = sa.select(job_counts.c.family, job_counts.c.name, job_counts.c.n).where(
        job_counts.c.job_id == job_id
    )
    found: dict[str, dict[str, int]] = {}
    for family, name, n in connection.execute(query):
        found.setdefault(family, {})[name] = n
    return found


def of_jobs(
    connection: sa.Connection, job_ids: list[UUID]
) -> Mapping[UUID, Mapping[str, Mapping[str, int]]]:
    """The counters of several jobs in one query."""
    query = sa.select(job_counts).where(job_counts.c.job_id.in_(job_ids))
    found: dict[UUID, dict[str, dict[str, int]]] = {job_id: {} for job_id in job_ids}
    for job_id, family, name, n in connection.execute(query):
        found[job_id].setdefault(family, {})[name] = n
    return found
