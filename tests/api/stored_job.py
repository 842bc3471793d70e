"""A job as it stands in the database after some work, written there without a worker."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.db import candidates, conversations, counts, paid, rows, slots, teacher_batches
from app.db.counts import Tally
from app.db.ids import new_id
from app.domain.lifecycle import (
    CandidateState,
    ConversationKind,
    ConversationState,
    Delivery,
    RowState,
    SlotState,
)
from app.domain.stored import ConversationRecord, Job, NewSlot
from app.runtime import Runtime
from app.use_cases import jobs, seed_sets, teachers
from app.use_cases.jobs import JobDetails
from app.use_cases.seed_sets import SeedSetDetails
from app.use_cases.teachers import TeacherDetails

KEY = "sk-canary-0123456789abcdef"


def stored_seed_set(runtime: Runtime, count: int = 3) -> UUID:
    """A set of so many seeds."""
    lines = [b'{"instruction": "Plant seed number %d in a row."}\n' % at for at in range(count)]
    return seed_sets.add(runtime, SeedSetDetails("garden"), lines).seed_set.id


def stored_teacher(runtime: Runtime, **more: Any) -> UUID:
    """A teacher that costs nothing and listens nowhere."""
    details: dict[str, Any] = {
        "name": "gardener",
        "base_url": "http://127.0.0.1:9/v1",
        "model": "gardener-1",
        "input_micro_usd_per_million": 0,
        "output_micro_usd_per_million": 0,
    }
    return teachers.add(runtime, TeacherDetails(**{**details, **more})).id


@dataclass(frozen=True)
class StoredJob:
    """A job with one call done, one failed, `row_count` accepted rows and a rejected one."""

    job: Job
    row_ids: list[UUID]
    rejected_row_id: UUID
    call_id: UUID


def stored_batch(runtime: Runtime) -> Job:
    """A job that is delivered in batches, with one that its teacher works on."""
    prices = {"batch_input_micro_usd_per_million": 0, "batch_output_micro_usd_per_million": 0}
    details = JobDetails(
        stored_seed_set(runtime), stored_teacher(runtime, **prices), 2, delivery=Delivery.BATCH
    )
    job = jobs.submit(runtime, details)
    values = {
        "id": new_id(),
        "job_id": job.id,
        "teacher_id": job.teacher_id,
        "endpoint": "chat",
        "model": "gardener-1",
        "input_micro_usd_per_million": 0,
        "output_micro_usd_per_million": 0,
        "requests": 40,
        "provider_batch_id": "batch_7",
        "provider_state": "in_progress",
        "completed": 30,
    }
    with runtime.database.transaction() as connection:
        teacher_batches.insert(connection, values)
    return job


def submitted_job(runtime: Runtime, target_rows: int = 2) -> Job:
    """A job that no worker has seen yet."""
    seed_set_id, teacher_id = stored_seed_set(runtime), stored_teacher(runtime)
    return jobs.submit(runtime, JobDetails(seed_set_id, teacher_id, target_rows))


def stored_job(runtime: Runtime, *, row_count: int = 3, target_rows: int = 2) -> StoredJob:
    """A job whose target is met."""
    return stored_rows(runtime, submitted_job(runtime, target_rows), row_count=row_count)


def stored_rows(
    runtime: Runtime, job: Job, *, row_count: int = 3, rejected_output: str = ""
) -> StoredJob:
    """The same for a job that was submitted."""
    with runtime.database.transaction() as connection:
        conversation_id = stored_conversation(connection, job)
        call_id = stored_slots(connection, job, conversation_id)
        row_ids = [
            _row(connection, job, conversation_id, call_id, at, RowState.ACCEPTED)
            for at in range(row_count)
        ]
        rejected = _row(
            connection,
            job,
            conversation_id,
            call_id,
            row_count,
            RowState.REJECTED,
            rejected_output,
        )
        counts.add(connection, job.id, _tally(row_count))
    return StoredJob(job, row_ids, rejected, call_id)


def _tally(row_count: int) -> Tally:
    return Tally(
        {
            ("slot", SlotState.DONE): 1,
            ("slot", SlotState.FAILED): 1,
            ("candidate", CandidateState.NOVEL): row_count + 1,
            ("row", RowState.ACCEPTED): row_count,
            ("row", RowState.REJECTED): 1,
            ("drop", "empty_output"): 1,
            ("error", "server_error"): 1,
        }
    )


def stored_conversation(connection: sa.Connection, job: Job) -> UUID:
    """A conversation that is done."""
    record = ConversationRecord(
        id=new_id(),
        job_id=job.id,
        kind=ConversationKind.PROPOSE,
        number=0,
        candidate_id=None,
        sources=[{"kind": "seed", "id": str(new_id()), "instruction": "Plant a seed."}],
        state=ConversationState.DONE,
    )
    conversations.insert(connection, [record])
    return record.id


def stored_slots(connection: sa.Connection, job: Job, conversation_id: UUID) -> UUID:
    """A call that is done and one that failed; returns the first."""
    records = [
        NewSlot(
            id=new_id(),
            job_id=job.id,
            conversation_id=conversation_id,
            kind=ConversationKind.PROPOSE,
            number=0,
            position=position,
            step="propose",
            prompt={"text": "Come up with tasks."},
            digest="0" * 64,
        )
        for position in range(2)
    ]
    slots.insert(connection, records)
    changes = zip(records, (SlotState.DONE, SlotState.FAILED), strict=True)
    slots.change(
        connection,
        [
            {"id": each.id, "state": state, "attempt": 1, "answered_attempt": 1}
            for each, state in changes
        ],
    )
    paid.insert_completions(connection, [completion(job, records[0].id)])
    return records[0].id


def completion(job: Job, slot_id: UUID) -> dict[str, object]:
    """A reply to a call, as it is stored."""
    return {
        "slot_id": slot_id,
        "attempt": 1,
        "job_id": job.id,
        "outcome": "answered",
        "status": 200,
        "raw": b'{"choices": [{"text": "9. Water it.\\ud800"}]} \xff',
        "model": "gardener-1",
        "endpoint": "chat",
        "prompt_tokens": 7,
        "completion_tokens": 3,
        "cost_micro_usd": 11,
        "elapsed_ms": 5,
    }


def _row(
    connection: sa.Connection,
    job: Job,
    conversation_id: UUID,
    slot_id: UUID,
    at: int,
    state: RowState,
    rejected_output: str = "",
) -> UUID:
    candidate_id, row_id = new_id(), new_id()
    instruction = f"Describe tree number {at}."
    reasons = [] if state is RowState.ACCEPTED else ["empty_output"]
    candidate = {
        "id": candidate_id,
        "job_id": job.id,
        "pool_id": job.pool_id,
        "conversation_id": conversation_id,
        "slot_id": slot_id,
        "number": 0,
        "position": at,
        "instruction": instruction,
        "state": CandidateState.NOVEL,
        "reasons": [],
        "pool_seq": at + 1,
        "nearest_score": 0.25,
    }
    row = {
        "id": row_id,
        "job_id": job.id,
        "candidate_id": candidate_id,
        "slot_id": slot_id,
        "pool_seq": at + 1,
        "position": 0,
        "instruction": instruction,
        "input": "",
        "output": f"It is tree {at}." if state is RowState.ACCEPTED else rejected_output,
        "is_classification": False,
        "state": state,
        "reasons": reasons,
        "simulated": False,
    }
    candidates.insert(connection, [candidate])
    rows.insert(connection, [row])
    return row_id
