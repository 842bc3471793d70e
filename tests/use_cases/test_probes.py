"""A job that rests for its teacher's sake: one call a minute finds out, and all who rest go on."""

import threading
from collections.abc import Iterator

import pytest

from app.domain.breaker import FAILURES_IN_A_ROW
from app.domain.lifecycle import JobState
from app.domain.stored import Job
from app.llm.teacher import Outcome
from app.runtime import Runtime
from app.use_cases import jobs
from app.use_cases.claiming import claim
from app.use_cases.sweep import sweep
from tests import invariants
from tests.demo_teacher_process import RunningTeacher, start_demo_teacher
from tests.driving import Driver
from tests.use_cases.calling import end, execute, planned, standing

RESTING = (JobState.PAUSED, "teacher_unhealthy")


@pytest.fixture(scope="module")
def teacher() -> Iterator[RunningTeacher]:
    with start_demo_teacher(latency_s=0.0, seed=7) as running:
        yield running


@pytest.fixture
def job(runtime: Runtime) -> Job:
    """A job that rests, with calls that wait."""
    job = planned(runtime)
    end(runtime, job, Outcome.SERVER_ERROR, FAILURES_IN_A_ROW // 2, status=500)
    end(runtime, job, Outcome.NOT_SENT, FAILURES_IN_A_ROW // 2)
    assert standing(runtime, job) == RESTING
    execute(runtime, "UPDATE slots SET not_before = NULL")
    execute(runtime, "UPDATE jobs SET target_rows = 10")
    return job


def wait_a_minute(runtime: Runtime) -> None:
    execute(runtime, "UPDATE teacher_probes SET probed_at = probed_at - interval '61 s'")


def test_nothing_is_sent_before_a_minute_is_over(runtime: Runtime, job: Job) -> None:
    assert not claim(runtime, job.id, job.id, 10).calls
    execute(runtime, "UPDATE teacher_probes SET probed_at = probed_at - interval '50 s'")
    assert sweep(runtime).jobs == 0
    assert not claim(runtime, job.id, job.id, 10).calls


def test_of_many_workers_that_ask_at_once_one_gets_one_call(runtime: Runtime, job: Job) -> None:
    wait_a_minute(runtime)
    assert sweep(runtime).jobs == 1
    found: list[int] = []

    def ask() -> None:
        found.append(len(claim(runtime, job.id, job.id, 10).calls))

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(found) == [0] * 11 + [1]
    assert standing(runtime, job) == RESTING
    assert jobs.get(runtime, job.id).reserved_micro_usd > 0
    invariants.check(runtime)


def test_a_probe_takes_the_call_that_failed_least(runtime: Runtime, job: Job) -> None:
    with runtime.database.transaction() as connection:
        connection.exec_driver_sql("UPDATE slots SET failures = 2 WHERE number <> 7")
    wait_a_minute(runtime)
    call = claim(runtime, job.id, job.id, 10).calls[0]
    with runtime.database.transaction() as connection:
        number = connection.exec_driver_sql(
            "SELECT number FROM slots WHERE id = %s", (call.key,)
        ).scalar()
    assert number == 7


def test_a_probe_that_fails_leaves_the_job_resting(
    runtime: Runtime, driver: Driver, job: Job
) -> None:
    before = len(jobs.events(runtime, job.id))
    wait_a_minute(runtime)
    driver.engine.advance(job.id)
    assert standing(runtime, job) == RESTING
    assert jobs.progress(runtime, job.id).errors["not_sent"] == FAILURES_IN_A_ROW // 2 + 1
    assert len(jobs.events(runtime, job.id)) == before
    driver.engine.advance(job.id)
    assert jobs.progress(runtime, job.id).errors["not_sent"] == FAILURES_IN_A_ROW // 2 + 1
    invariants.check(runtime)


def test_a_probe_that_is_answered_resumes_the_job_and_it_ends(
    runtime: Runtime, driver: Driver, job: Job, teacher: RunningTeacher
) -> None:
    execute(runtime, "UPDATE teachers SET base_url = :url", url=teacher.base_url)
    wait_a_minute(runtime)
    driver.engine.advance(job.id)
    assert driver.finish(job.id, timeout_s=100).reason == "target_reached"
    moves = [(each.from_state, each.to_state) for each in jobs.events(runtime, job.id)]
    assert ("paused", "running") in moves
    invariants.check(runtime)


def test_one_answer_resumes_all_who_rest_for_the_teacher_but_not_who_was_paused(
    runtime: Runtime, driver: Driver, job: Job, teacher: RunningTeacher
) -> None:
    execute(runtime, "UPDATE teachers SET base_url = :url", url=teacher.base_url)
    resting, paused = (
        jobs.submit(runtime, jobs.JobDetails(job.seed_set_id, job.teacher_id, target_rows=5))
        for _ in range(2)
    )
    for each in (resting, paused):
        jobs.pause(runtime, each.id)
        execute(runtime, "UPDATE jobs SET reason = 'teacher_unhealthy' WHERE id = :id", id=each.id)
    assert jobs.pause(runtime, paused.id).reason == "requested"
    wait_a_minute(runtime)
    driver.engine.advance(job.id)
    assert standing(runtime, resting) == (JobState.RUNNING, None)
    assert standing(runtime, paused) == (JobState.PAUSED, "requested")
    assert jobs.events(runtime, paused.id)[-1].reason == "requested"


def test_a_job_without_a_call_that_waits_just_goes_on(runtime: Runtime, job: Job) -> None:
    execute(runtime, "UPDATE slots SET state = 'failed', reason = 'server_error'")
    wait_a_minute(runtime)
    assert not claim(runtime, job.id, job.id, 10).calls
    assert standing(runtime, job) == (JobState.RUNNING, None)
