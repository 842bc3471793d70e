"""Queries about what earlier jobs with a teacher came to, from which later ones are estimated."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from app.db.tables import job_counts, jobs
from app.domain.lifecycle import FINAL_JOB_STATES

_CALLS = sa.text(
    """
    SELECT step, count(*), avg(completion_tokens), sum(prompt_bytes), sum(prompt_tokens),
           avg(elapsed_ms) / 1000
    FROM unnest(CAST(:job_ids AS uuid[])) AS known (job_id)
    CROSS JOIN (VALUES ('propose'), ('answer')) AS kinds (kind)
    CROSS JOIN LATERAL (
        SELECT step, completion_tokens, prompt_tokens, elapsed_ms,
               octet_length(prompt ->> 'text')
                   + coalesce(octet_length(prompt ->> 'system'), 0) AS prompt_bytes
        FROM slots
        JOIN completions ON slot_id = slots.id AND completions.attempt = answered_attempt
        WHERE slots.job_id = known.job_id AND slots.kind = kinds.kind AND outcome = 'answered'
          AND model = :model AND reused_from_slot_id IS NULL AND prompt_tokens IS NOT NULL
        ORDER BY slots.number DESC
        LIMIT :most
    ) AS calls
    GROUP BY step
    """
)


class FinishedJob(NamedTuple):
    """A job that has ended: what was begun in it and what came of that."""

    id: UUID
    method: str
    profile: str
    proposals: int
    answers: int
    novel: int
    duplicates: int
    rows: int


class StepHistory(NamedTuple):
    """Answered calls of one step: their tokens, the bytes of their prompts, their time."""

    step: str
    calls: int
    completion_tokens: float
    prompt_bytes: int
    prompt_tokens: int
    latency_s: float


def finished_jobs(
    connection: sa.Connection, teacher_id: UUID, limit: int = 10
) -> Sequence[FinishedJob]:
    """The newest jobs that have ended with a teacher."""
    newest = (
        sa.select(jobs.c.id, jobs.c.method, jobs.c.profile, jobs.c.next_propose, jobs.c.next_answer)
        .where(jobs.c.teacher_id == teacher_id, jobs.c.state.in_(FINAL_JOB_STATES))
        .order_by(jobs.c.id.desc())
        .limit(limit)
        .subquery()
    )

    def counted(family: str, name: str) -> "sa.ColumnElement[int]":
        found = sa.select(job_counts.c.n).where(
            job_counts.c.job_id == newest.c.id,
            job_counts.c.family == family,
            job_counts.c.name == name,
        )
        return sa.func.coalesce(found.scalar_subquery(), 0)

    query = sa.select(
        *newest.c,
        counted("candidate", "novel"),
        counted("candidate", "duplicate"),
        counted("row", "accepted"),
    ).where(newest.c.next_propose > 0)
    return [FinishedJob(*row) for row in connection.execute(query)]


def steps(
    connection: sa.Connection, job_ids: Sequence[UUID], model: str, *, most: int = 200
) -> Sequence[StepHistory]:
    """What the teacher said in jobs, by step, over at most so many calls of a job and kind."""
    values = {"job_ids": list(job_ids), "model": model, "most": most}
    return [
        StepHistory(step, calls, float(said or 0), int(size), int(tokens), float(seconds))
        for step, calls, said, size, tokens, seconds in connection.execute(_CALLS, values)
    ]
