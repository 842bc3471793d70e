"""Counters of a job, kept in the same transaction as the moves that they count.

Families: `slot` (by state), `candidate` (by state), `row` (by state), `drop` (first reason of
every dropped candidate, row or reply), `error` (failed attempts by kind), `flag` (what was found in
rows that stand, by its name), `overlap` (rows and instructions that share something with an
evaluation set, by the set's id and the rule).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.db.tables import job_counts
from app.db.together import Question, ask

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
    return of_jobs(connection, [job_id])[job_id]


def of_jobs(
    connection: sa.Connection, job_ids: list[UUID]
) -> Mapping[UUID, Mapping[str, Mapping[str, int]]]:
    """The counters of several jobs in one query."""
    found = ask(connection, question(job_ids))
    return {job_id: found.get(job_id, {}) for job_id in job_ids}


def question(
    job_ids: "Sequence[UUID] | sa.Select[Any]",
) -> Question[Mapping[UUID, Mapping[str, Mapping[str, int]]]]:
    """The counters of jobs that have any, by job, family and name."""
    columns = (job_counts.c.job_id, job_counts.c.family, job_counts.c.name, job_counts.c.n)
    return Question(sa.select(*columns).where(job_counts.c.job_id.in_(job_ids)), _by_job)


def _by_job(rows: Sequence[Any]) -> Mapping[UUID, Mapping[str, Mapping[str, int]]]:
    found: dict[UUID, dict[str, dict[str, int]]] = {}
    for job_id, family, name, n in rows:
        found.setdefault(job_id, {}).setdefault(family, {})[name] = n
    return found
