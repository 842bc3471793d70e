"""Jobs from seeds to rows on real Postgres, with the demo teacher over real HTTP."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from app.domain.lifecycle import JobState, SlotState
from app.domain.stored import Job
from app.errors import Conflict
from app.runtime import Runtime
from app.use_cases import exports, jobs, rows
from tests import invariants
from tests.demo_teacher_process import RunningTeacher, start_demo_teacher
from tests.driving import Driver, add_seeds, add_teacher, running_driver


@pytest.fixture(scope="module")
def teacher() -> Iterator[RunningTeacher]:
    with start_demo_teacher(latency_s=0.01, seed=7) as running:
        yield running


def submit(runtime: Runtime, base_url: str, *, concurrency: int = 20, **details: Any) -> Job:
    seed_set_id = add_seeds(runtime)
    record = add_teacher(runtime, base_url, max_concurrency=concurrency)
    values = {"target_rows": 40, **details}
    return jobs.submit(
        runtime, jobs.JobDetails(seed_set_id=seed_set_id, teacher_id=record.id, **values)
    )


def accepted(runtime: Runtime, job_id: UUID) -> list[tuple[str, str, str]]:
    found = rows.page(runtime, job_id, limit=500).items
    return [(each.instruction, each.input, each.output) for each in found]


def test_reaches_its_target(runtime: Runtime, driver: Driver, teacher: RunningTeacher) -> None:
    job = submit(runtime, teacher.base_url)
    ended = driver.finish(job.id)
    progress = jobs.progress(runtime, job.id)
    assert (ended.state, ended.reason) == (JobState.SUCCEEDED, "target_reached"), progress
    assert progress.accepted_rows >= 40
    assert progress.surplus == progress.accepted_rows - 40
    assert progress.calls["pending"] == 0
    assert ended.reserved_micro_usd == 0 < ended.spent_micro_usd
    invariants.check(runtime)


def test_every_row_walks_back_to_its_seeds(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    job = submit(runtime, teacher.base_url, target_rows=5)
    driver.finish(job.id)
    row = rows.page(runtime, job.id).items[0]
    lineage = rows.lineage(runtime, row.id)
    assert lineage.propose is not None
    assert lineage.answer is not None
    assert row.instruction[:20] in lineage.propose.raw_reply.replace("\\n", "\n")
    assert lineage.sources
    assert lineage.sources[0]["kind"] == "seed"
    assert row.instruction in str(lineage.answer.prompt["text"])
    assert row.simulated


def test_strict_order_gives_the_same_rows_at_any_concurrency(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    found = []
    for concurrency in (1, 20):
        seed_set_id = add_seeds(runtime)
        record = add_teacher(
            runtime, teacher.base_url, name=f"t{concurrency}", max_concurrency=concurrency
        )
        details = jobs.JobDetails(
            seed_set_id=seed_set_id,
            teacher_id=record.id,
            target_rows=25,
            options={"order": "strict"},
        )
        job = jobs.submit(runtime, details)
        driver.finish(job.id)
        found.append(accepted(runtime, job.id))
    assert found[0] == found[1]
    assert len(found[0]) >= 25
    invariants.check(runtime)


def test_a_lost_worker_changes_neither_rows_nor_calls_beyond_those_in_flight(
    database_url: str, runtime: Runtime, tmp_path: Path
) -> None:
    log = tmp_path / "arrivals.jsonl"
    with start_demo_teacher(latency_s=0.05, seed=7, log=str(log)) as teacher:
        job = submit(
            runtime, teacher.base_url, concurrency=4, target_rows=25, options={"order": "strict"}
        )
        with running_driver(runtime) as lost:
            _abandon(lost, job.id, after=30)
        with runtime.database.transaction() as connection:
            in_flight = connection.execute(
                sa.text("SELECT count(*) FROM slots WHERE state = 'in_flight'")
            ).scalar_one()
            connection.execute(
                sa.text("UPDATE workers SET heartbeat_at = now() - interval '1 hour'")
            )
        with running_driver(runtime) as heir:
            heir.finish(job.id)
        found = accepted(runtime, job.id)
        keys = [json.loads(line)["idempotency_key"] for line in log.read_text().splitlines()]
    slots_called = {key.rsplit("-", 1)[0] for key in keys}
    assert len(keys) - len(slots_called) <= in_flight
    invariants.check(runtime)
    with start_demo_teacher(latency_s=0.0, seed=7) as teacher, running_driver(runtime) as calm:
        record = add_teacher(runtime, teacher.base_url, name="calm", max_concurrency=4)
        details = jobs.JobDetails(
            seed_set_id=job.seed_set_id,
            teacher_id=record.id,
            target_rows=25,
            options={"order": "strict"},
        )
        other = jobs.submit(runtime, details)
        calm.finish(other.id)
        assert accepted(runtime, other.id) == found


def _abandon(driver: Driver, job_id: UUID, *, after: int) -> None:
    """Drive a job until so many calls were made, then drop all that the process holds."""
    sent: list[Any] = []
    start = driver.engine.door.start

    def last_words(call: Any, done: Any) -> None:
        sent.append(call)
        start(call, done)
        if len(sent) > after:
            raise SystemExit  # the process ends here, with calls claimed and under way

    driver.engine.door.start = last_words
    with pytest.raises(SystemExit):
        driver.engine.advance(job_id)
    assert len(sent) > after


def test_stops_at_the_cap_of_money(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    job = submit(runtime, teacher.base_url, target_rows=1000, cap_micro_usd=20_000)
    ended = driver.finish(job.id)
    assert (ended.state, ended.reason) == (JobState.SUCCEEDED, "budget_exhausted")
    assert 0 < ended.spent_micro_usd <= 20_000
    invariants.check(runtime)


def test_stops_at_the_cap_of_calls_and_goes_on_when_it_is_raised(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    job = submit(runtime, teacher.base_url, target_rows=60, cap_calls=30)
    ended = driver.finish(job.id)
    assert (ended.state, ended.reason, ended.calls) == (JobState.SUCCEEDED, "calls_exhausted", 30)
    invariants.check(runtime)
    jobs.change(runtime, job.id, jobs.JobChanges(cap_calls=600))
    jobs.retry(runtime, job.id, only_failed=False)
    ended = driver.finish(job.id)
    assert (ended.state, ended.reason) == (JobState.SUCCEEDED, "target_reached")
    invariants.check(runtime)


def test_stops_when_novelty_is_exhausted(runtime: Runtime, driver: Driver) -> None:
    with start_demo_teacher(latency_s=0.0, same_reply=True) as teacher:
        job = submit(runtime, teacher.base_url, target_rows=500, options={"novelty_window": 50})
        ended = driver.finish(job.id)
    assert ended.reason in {"novelty_exhausted", "no_usable_replies"}
    assert ended.calls < 200
    invariants.check(runtime)


def test_refused_prompts_cost_one_call_each_and_retry_sends_only_them(
    runtime: Runtime, driver: Driver
) -> None:
    with start_demo_teacher(latency_s=0.0, seed=7, faults={"refuse": 0.1}) as teacher:
        job = submit(runtime, teacher.base_url, target_rows=40)
        ended = driver.finish(job.id)
        progress = jobs.progress(runtime, job.id)
        failed = jobs.page_calls(runtime, job.id, states=[SlotState.FAILED], limit=500).items
        assert ended.reason == "target_reached"
        assert progress.calls["failed"] == len(failed) > 0
        assert all(call.reason == "refused" and call.attempt == 1 for call in failed)
        assert all(call.detail for call in failed)
        before = teacher.stats()["calls"]
        jobs.retry(runtime, job.id, only_failed=True)
        driver.finish(job.id)
        assert _total(teacher.stats()["calls"]) - _total(before) == len(failed)
    invariants.check(runtime)


def _total(calls: Any) -> int:
    return sum(calls.values()) if isinstance(calls, dict) else int(calls)


def test_a_rejected_key_pauses_the_job_with_the_reason(runtime: Runtime, driver: Driver) -> None:
    with start_demo_teacher(latency_s=0.0, unauthorized_after=20) as teacher:
        job = submit(runtime, teacher.base_url)
        ended = driver.finish(job.id)
        assert (ended.state, ended.reason) == (JobState.PAUSED, "teacher_unauthorized")
        assert ended.detail
    invariants.check(runtime)


def test_a_teacher_that_is_away_pauses_the_job(runtime: Runtime, driver: Driver) -> None:
    job = submit(runtime, "http://127.0.0.1:9/v1", target_rows=200, concurrency=50)
    ended = driver.finish(job.id)
    assert (ended.state, ended.reason) == (JobState.PAUSED, "teacher_unhealthy")
    assert ended.spent_micro_usd == 0


def test_options_of_another_version_fail_the_job_by_name(runtime: Runtime, driver: Driver) -> None:
    job = submit(runtime, "http://127.0.0.1:9/v1")
    with runtime.database.transaction() as connection:
        connection.execute(sa.text("""UPDATE jobs SET options = '{"no_such_option": 1}'"""))
    driver.engine.advance(job.id)
    ended = jobs.get(runtime, job.id)
    assert (ended.state, ended.reason) == (JobState.FAILED, "options_not_understood")


def test_pause_resume_and_cancel(runtime: Runtime, driver: Driver, teacher: RunningTeacher) -> None:
    job = submit(runtime, teacher.base_url, target_rows=300)
    driving = threading.Thread(target=driver.engine.advance, args=(job.id,))
    driving.start()
    _wait_for(lambda: jobs.get(runtime, job.id).calls > 20)
    assert jobs.pause(runtime, job.id).state is JobState.PAUSED
    driving.join(20)
    paused = jobs.progress(runtime, job.id)
    assert paused.job.reserved_micro_usd == 0
    assert jobs.pause(runtime, job.id).state is JobState.PAUSED
    jobs.resume(runtime, job.id)
    driver.step(job.id)
    assert jobs.get(runtime, job.id).calls > paused.job.calls
    if jobs.get(runtime, job.id).state is JobState.RUNNING:
        jobs.cancel(runtime, job.id)
        assert driver.finish(job.id).state is JobState.CANCELLED
        assert jobs.cancel(runtime, job.id).state is JobState.CANCELLED
        with pytest.raises(Conflict):
            jobs.resume(runtime, job.id)
    invariants.check(runtime)


def _wait_for(condition: Any, timeout_s: float = 20.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def test_faults_of_every_kind_lose_nothing(runtime: Runtime, driver: Driver) -> None:
    mix = {
        "500": 0.05,
        "429": 0.05,
        "reset": 0.02,
        "truncated": 0.02,
        "html": 0.01,
        "empty_choices": 0.02,
        "null_content": 0.01,
        "length": 0.03,
        "content_filter": 0.02,
        "no_usage": 0.02,
        "absurd_usage": 0.01,
        "nul": 0.02,
        "surrogate": 0.02,
    }
    with start_demo_teacher(latency_s=0.0, seed=3, faults=mix) as teacher:
        job = submit(runtime, teacher.base_url, target_rows=80)
        ended = driver.finish(job.id, timeout_s=110)
    assert (ended.state, ended.reason) == (JobState.SUCCEEDED, "target_reached")
    assert jobs.progress(runtime, job.id).errors
    invariants.check(runtime)


def test_an_export_holds_exactly_the_first_rows_and_the_same_bytes_twice(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    job = submit(runtime, teacher.base_url, target_rows=20)
    driver.finish(job.id)
    made = []
    for _ in range(2):
        record = exports.request(runtime, job.id, "self_instruct_triples")
        exports.make(runtime, record.id)
        exports.make(runtime, record.id)
        made.append(exports.file(runtime, record.id))
    (first, path), (second, other) = made
    assert first.row_count == 20
    assert first.sha256 == second.sha256
    assert path.read_bytes() == other.read_bytes()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [tuple(line.values()) for line in lines] == accepted(runtime, job.id)[:20]
    assert first.manifest is not None
    assert first.manifest["simulated"] is True
    card = exports.card(runtime, first.id)
    assert "SIMULATED" in card
    assert "CC0-1.0" in card
    assert str(first.sha256) in card
