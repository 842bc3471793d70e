"""Prompts that the teacher refuses for good: a call each, and a retry of just them."""

import json
from pathlib import Path
from uuid import UUID

from app.domain.lifecycle import JobState, SlotState
from app.runtime import Runtime
from app.use_cases import jobs
from tests import invariants
from tests.demo_teacher_process import start_demo_teacher
from tests.driving import Driver
from tests.use_cases.calling import execute, submitted

PROMPTS = 500


def test_of_500_prompts_the_refused_ones_cost_a_call_each_and_the_others_are_used(
    runtime: Runtime, driver: Driver, tmp_path: Path
) -> None:
    log = tmp_path / "arrivals.jsonl"
    with start_demo_teacher(
        latency_s=0.0, seed=5, faults={"refuse": 0.02}, flawed_rate=0, log=str(log)
    ) as teacher:
        job = submitted(runtime, teacher.base_url, target_rows=10_000, cap_calls=PROMPTS)
        ended = driver.finish(job.id, timeout_s=200)
        arrivals = [json.loads(line) for line in log.read_text().splitlines()]
        refused = sum(each["outcome"] == "refuse" for each in arrivals)
        calls = jobs.progress(runtime, job.id).calls
        assert (ended.state, ended.reason) == (JobState.SUCCEEDED, "calls_exhausted")
        assert 3 <= refused <= 25
        assert len(arrivals) == len({each["idempotency_key"] for each in arrivals}) == PROMPTS
        assert (calls["failed"], calls["accepted"]) == (refused, PROMPTS - refused)
        _check_words(runtime, job.id, refused)

        jobs.change(runtime, job.id, jobs.JobChanges(cap_calls=2 * PROMPTS))
        jobs.retry(runtime, job.id, only_failed=True)
        again = driver.finish(job.id, timeout_s=100)
        assert (again.state, again.reason) == (JobState.SUCCEEDED, "calls_exhausted")
        retried = [json.loads(line) for line in log.read_text().splitlines()][PROMPTS:]
        assert {each["outcome"] for each in retried} == {"refuse"}
        assert len(retried) == refused
    invariants.check(runtime)


def _check_words(runtime: Runtime, job_id: UUID, refused: int) -> None:
    found = jobs.page_calls(
        runtime, job_id, states=[SlotState.FAILED, SlotState.QUARANTINED], limit=500
    ).items
    assert len(found) == refused
    for each in found:
        assert (each.reason, each.attempt, each.status) == ("refused", 1, 400)
        assert each.cost_micro_usd == 0
        assert each.detail == "The request was refused by the content policy of this teacher."


def test_a_retry_of_the_failed_ones_survives_a_pause(runtime: Runtime, driver: Driver) -> None:
    with start_demo_teacher(latency_s=0.0, seed=5, faults={"refuse": 0.1}) as teacher:
        job = submitted(runtime, teacher.base_url, target_rows=10_000, cap_calls=60)
        driver.finish(job.id)
        failed = jobs.progress(runtime, job.id).calls["failed"]
        before = teacher.stats()["calls"]
        assert failed > 0
        execute(runtime, "UPDATE jobs SET cap_calls = 10000")
        jobs.retry(runtime, job.id, only_failed=True)
        jobs.pause(runtime, job.id)
        jobs.resume(runtime, job.id)
        driver.finish(job.id)
        assert teacher.stats()["calls"] - before == failed
    invariants.check(runtime)
