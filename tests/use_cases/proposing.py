"""Candidates for admission, written as if a reply had held them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.db import candidates, conversations, pools
from app.db import jobs as job_queries
from app.db.ids import new_id
from app.domain.lifecycle import CandidateState, ConversationKind, ConversationState, JobState
from app.domain.stored import ConversationRecord, Job
from app.runtime import Runtime
from app.use_cases import jobs
from tests.driving import add_seeds, add_teacher


def make_job(
    runtime: Runtime, *, embedder_id: UUID | None = None, running: bool = False, **options: object
) -> Job:
    """A job whose pool holds its seeds; nobody answers at its teacher's address."""
    name = f"t{new_id().hex}"
    teacher = add_teacher(runtime, "http://127.0.0.1:9/v1", name=name)
    details = jobs.JobDetails(
        seed_set_id=add_seeds(runtime),
        teacher_id=teacher.id,
        target_rows=10,
        options=options,
        embedder_id=embedder_id,
    )
    job = jobs.submit(runtime, details)
    with runtime.database.transaction() as connection:
        assert job.seed_set_id is not None
        pools.fill_with_seeds(connection, job.pool_id, job.seed_set_id)
        if running:
            job_queries.move(connection, job.id, JobState.RUNNING)
    return job


def propose(runtime: Runtime, job: Job, texts: Sequence[str], *, number: int = 0) -> None:
    """Store candidates as if a reply had held them."""
    conversation = ConversationRecord(
        id=new_id(),
        job_id=job.id,
        kind=ConversationKind.PROPOSE,
        number=number,
        candidate_id=None,
        sources=[],
        state=ConversationState.DONE,
    )
    with runtime.database.transaction() as connection:
        conversations.insert(connection, [conversation])
        candidates.insert(
            connection,
            [
                {
                    "id": new_id(),
                    "job_id": job.id,
                    "pool_id": job.pool_id,
                    "conversation_id": conversation.id,
                    "slot_id": new_id(),
                    "number": number,
                    "position": position,
                    "instruction": text,
                    "state": CandidateState.PROPOSED,
                    "reasons": [],
                }
                for position, text in enumerate(texts)
            ],
        )
        connection.execute(
            sa.text(
                "INSERT INTO job_counts VALUES (:job, 'candidate', 'proposed', :n) "
                "ON CONFLICT (job_id, family, name) DO UPDATE SET n = job_counts.n + :n"
            ),
            {"job": job.id, "n": len(texts)},
        )


def fates(runtime: Runtime, job_id: UUID) -> dict[str, tuple[str, tuple[str, ...], float | None]]:
    """(state, reasons, score) of every candidate, by its text."""
    found = jobs.page_candidates(runtime, job_id, limit=500).items
    return {each.instruction: (each.state, each.reasons, each.nearest_score) for each in found}


def add_embedder(runtime: Runtime, base_url: str, **details: Any) -> UUID:
    values = {"name": "embedder", "endpoint": "embeddings", "model": "vectors", **details}
    return add_teacher(runtime, base_url, **values).id
