"""Jobs that are delivered in batches: submitted, driven, held against the teacher's books."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import openai
import sqlalchemy as sa

from app.domain.lifecycle import BatchState, Delivery
from app.domain.stored import Job, TeacherBatch
from app.runtime import Runtime
from app.use_cases import batches, jobs
from tests import invariants
from tests.demo_teacher_process import RunningTeacher, start_demo_teacher
from tests.driving import Driver, add_seeds, add_teacher

INPUT, OUTPUT = 75_000, 300_000
PRICES = {
    "batch_input_micro_usd_per_million": INPUT,
    "batch_output_micro_usd_per_million": OUTPUT,
}
QUICK = {"batch_poll_s": 0.05, "lease_s": 3.0}


@contextmanager
def teaching(**options: Any) -> Iterator[RunningTeacher]:
    with start_demo_teacher(**{"latency_s": 0, "seed": 7, "batch_delay_s": 0.1, **options}) as one:
        yield one


def submit(runtime: Runtime, teacher: RunningTeacher, **details: Any) -> Job:
    record = add_teacher(runtime, teacher.base_url, **PRICES)
    values = {"target_rows": 12, "delivery": Delivery.BATCH, **details}
    return jobs.submit(
        runtime,
        jobs.JobDetails(seed_set_id=add_seeds(runtime), teacher_id=record.id, **values),
    )


def all_batches(runtime: Runtime, job_id: UUID) -> list[TeacherBatch]:
    """Oldest first."""
    return list(batches.page(runtime, job_id, limit=500).items)[::-1]


def states(runtime: Runtime, job_id: UUID) -> set[BatchState]:
    return {each.state for each in all_batches(runtime, job_id)}


def provider_batches(teacher: RunningTeacher) -> list[Any]:
    with openai.OpenAI(base_url=teacher.base_url, api_key="none", max_retries=0) as client:
        return list(client.batches.list(limit=100))


def provider_files(teacher: RunningTeacher) -> list[str]:
    with openai.OpenAI(base_url=teacher.base_url, api_key="none", max_retries=0) as client:
        return [each.purpose for each in client.files.list()]


def step_until(driver: Driver, job_id: UUID, wanted: Any, timeout_s: float = 40.0) -> None:
    """Drive a job until something holds."""
    deadline_s = time.monotonic() + timeout_s
    while not wanted():
        assert time.monotonic() < deadline_s, jobs.progress(driver.runtime, job_id)
        driver.step(job_id)
        time.sleep(0.02)


def in_state(runtime: Runtime, job_id: UUID, state: BatchState) -> Any:
    return lambda: state in states(runtime, job_id)


def true_cost(teacher: RunningTeacher) -> float:
    """What the teacher itself says was used, at batch price, without rounding."""
    stats = teacher.stats()
    return (stats["prompt_tokens"] * INPUT + stats["completion_tokens"] * OUTPUT) / 1e6


def is_paid_once(runtime: Runtime, job_id: UUID, teacher: RunningTeacher) -> None:
    """Each call is rounded up to a whole micro-USD, and no call was bought twice."""
    job, calls = jobs.get(runtime, job_id), teacher.stats()["calls"]
    assert true_cost(teacher) <= job.spent_micro_usd <= true_cost(teacher) + calls
    assert len(provider_batches(teacher)) == sum(
        each.provider_batch_id is not None for each in all_batches(runtime, job_id)
    )
    invariants.check(runtime)


def instructions(runtime: Runtime, job_id: UUID) -> list[str]:
    """Of the accepted rows, in the order of the dataset."""
    query = (
        "SELECT instruction FROM rows WHERE job_id = :job AND state = 'accepted' "
        "ORDER BY pool_seq, position"
    )
    with runtime.database.transaction() as connection:
        return list(connection.execute(sa.text(query), {"job": job_id}).scalars())
