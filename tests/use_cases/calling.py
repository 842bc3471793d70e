"""Jobs whose calls a test answers itself, without a teacher: claim, reply, look."""

from collections.abc import Sequence
from typing import Any

import orjson
import sqlalchemy as sa

from app.db.ids import new_id
from app.domain.lifecycle import JobState
from app.domain.stored import Job
from app.llm.teacher import Call, Outcome, Reply
from app.runtime import Runtime
from app.use_cases import jobs
from app.use_cases.claiming import claim
from app.use_cases.job_context import SeedCache, load
from app.use_cases.planning import plan
from app.use_cases.settling import store_replies
from tests.driving import add_seeds, add_teacher

NOBODY = "http://127.0.0.1:9/v1"
REFUSAL = orjson.dumps({"error": {"message": "Not this one.", "code": "content_policy"}})


def submitted(
    runtime: Runtime, base_url: str = NOBODY, *, teacher: dict[str, Any] | None = None, **job: Any
) -> Job:
    """A queued job with a teacher of its own."""
    values = {"name": f"t{new_id().hex}", "max_concurrency": 100, **(teacher or {})}
    record = add_teacher(runtime, base_url, **values)
    details = {"target_rows": 200, **job}
    return jobs.submit(
        runtime, jobs.JobDetails(seed_set_id=add_seeds(runtime), teacher_id=record.id, **details)
    )


def planned(runtime: Runtime, **details: Any) -> Job:
    """A running job with prompts that wait to be sent."""
    job = submitted(runtime, **details)
    assert plan(runtime, load(runtime, SeedCache(), job.id)) is JobState.RUNNING
    return job


def claimed(runtime: Runtime, job: Job, count: int) -> Sequence[Call]:
    """So many calls under way, of a worker that nobody has heard of."""
    calls = claim(runtime, new_id(), job.id, count).calls
    assert len(calls) == count
    return calls


def end(runtime: Runtime, job: Job, outcome: Outcome, count: int = 1, **reply: Any) -> None:
    """Claim so many calls and end each so, one by one, as if each had come back by itself."""
    for call in claimed(runtime, job, count):
        store_replies(runtime, job.id, [Reply(call, outcome, **reply)])


def answer(text: str = "1. Write a poem.", **members: Any) -> bytes:
    """The body of an answer; `usage` as given, else plausible."""
    usage = {"prompt_tokens": 100, "completion_tokens": 10}
    choice = {"message": {"content": text}, "finish_reason": "stop"}
    return orjson.dumps({"choices": [choice], "usage": usage, **members})


def standing(runtime: Runtime, job: Job) -> tuple[JobState, str | None]:
    """Where a job stands and why."""
    found = jobs.get(runtime, job.id)
    return found.state, found.reason


def execute(runtime: Runtime, statement: str, **values: object) -> None:
    """One statement in a transaction of its own."""
    with runtime.database.transaction() as connection:
        connection.execute(sa.text(statement), values)
