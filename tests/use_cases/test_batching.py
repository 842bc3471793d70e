"""Jobs at batch price on real Postgres, with the demo teacher's files and batches over HTTP."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from app.domain.lifecycle import BatchState, Delivery, JobState, SlotState
from app.errors import InUse, InvalidInput
from app.runtime import Runtime
from app.use_cases import batch_collecting, jobs, teachers
from app.use_cases.sweep import sweep
from tests import invariants
from tests.driving import (
    Driver,
    add_seeds,
    add_teacher,
    running_driver,
    running_runtime,
    teacher_of,
)
from tests.use_cases.batch_jobs import (
    PRICES,
    QUICK,
    all_batches,
    in_state,
    instructions,
    is_paid_once,
    provider_batches,
    provider_files,
    states,
    step_until,
    submit,
    teaching,
)


@pytest.fixture
def runtime(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    with running_runtime(database_url, tmp_path / "home", **QUICK) as runtime:
        yield runtime


@pytest.mark.parametrize("replies_at_once", [batch_collecting.REPLIES_AT_ONCE, 3])
def test_a_job_reaches_its_target_at_batch_price(
    runtime: Runtime, driver: Driver, replies_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_collecting, "REPLIES_AT_ONCE", replies_at_once)
    with teaching() as teacher:
        job = submit(runtime, teacher)
        ended = driver.finish(job.id)
        assert (ended.state, ended.reason) == (JobState.SUCCEEDED, "target_reached")
        assert jobs.progress(runtime, job.id).accepted_rows >= 12
        assert states(runtime, job.id) == {BatchState.COLLECTED}
        assert ended.spent_micro_usd > 0
        is_paid_once(runtime, job.id, teacher)
        made = all_batches(runtime, job.id)
        assert sum(each.requests for each in made) == teacher.stats()["calls"]
        assert len(made) < 12, "rounds, not single calls"
        assert "batch" not in provider_files(teacher), "input files are cleared away"


def test_without_batch_prices_a_batch_job_is_refused(runtime: Runtime) -> None:
    record = add_teacher(runtime, "http://127.0.0.1:9/v1")
    details = jobs.JobDetails(
        seed_set_id=add_seeds(runtime),
        teacher_id=record.id,
        target_rows=3,
        delivery=Delivery.BATCH,
    )
    with pytest.raises(InvalidInput) as caught:
        jobs.submit(runtime, details)
    assert [(each.pointer, each.code) for each in caught.value.problems] == [
        ("/delivery", "price_required")
    ]
    free = {"batch_input_micro_usd_per_million": 0, "batch_output_micro_usd_per_million": 0}
    teachers.change(runtime, record.id, free)
    assert jobs.submit(runtime, details).delivery is Delivery.BATCH


def test_batch_prices_alone_are_enough_for_a_batch_job(runtime: Runtime) -> None:
    record = add_teacher(
        runtime,
        "http://127.0.0.1:9/v1",
        input_micro_usd_per_million=None,
        output_micro_usd_per_million=None,
        **PRICES,
    )
    details = {"seed_set_id": add_seeds(runtime), "teacher_id": record.id, "target_rows": 3}
    with pytest.raises(InvalidInput):
        jobs.submit(runtime, jobs.JobDetails(**details))
    jobs.submit(runtime, jobs.JobDetails(**details, delivery=Delivery.BATCH))


def test_batches_hold_no_more_calls_than_is_set(database_url: str, tmp_path: Path) -> None:
    with (
        running_runtime(database_url, tmp_path, **QUICK, batch_requests=4) as runtime,
        running_driver(runtime) as driver,
        teaching() as teacher,
    ):
        job = submit(runtime, teacher)
        driver.finish(job.id)
        sizes = [each.requests for each in all_batches(runtime, job.id)]
        assert max(sizes) == 4
        assert sizes.count(4) > 1
        is_paid_once(runtime, job.id, teacher)


def test_the_cap_of_money_holds(runtime: Runtime, driver: Driver) -> None:
    with teaching() as teacher:
        job = submit(runtime, teacher, target_rows=1000, cap_micro_usd=3_000)
        ended = driver.finish(job.id)
        assert (ended.state, ended.reason) == (JobState.SUCCEEDED, "budget_exhausted")
        assert 0 < ended.spent_micro_usd <= 3_000
        is_paid_once(runtime, job.id, teacher)


def test_expired_calls_are_unpaid_and_go_with_a_later_batch(
    runtime: Runtime, driver: Driver
) -> None:
    with teaching(batch_expires_after=3) as teacher:
        job = submit(runtime, teacher, target_rows=4)
        ended = driver.finish(job.id)
        assert (ended.state, ended.reason) == (JobState.SUCCEEDED, "target_reached")
        assert {each.provider_state for each in all_batches(runtime, job.id)} >= {"expired"}
        assert jobs.progress(runtime, job.id).errors["not_sent"] > 0
        is_paid_once(runtime, job.id, teacher)


def test_refused_and_failing_lines_are_settled_by_kind(runtime: Runtime, driver: Driver) -> None:
    mix = {"refuse": 0.1, "500": 0.1, "429": 0.1, "html": 0.05, "null_content": 0.05}
    with teaching(faults=mix, seed=3) as teacher:
        job = submit(runtime, teacher, target_rows=20)
        ended = driver.finish(job.id, timeout_s=110)
        progress = jobs.progress(runtime, job.id)
        assert (ended.state, ended.reason) == (JobState.SUCCEEDED, "target_reached"), progress
        assert {"refused", "server_error", "rate_limited"} <= progress.errors.keys()
        failed = jobs.page_calls(runtime, job.id, states=[SlotState.FAILED], limit=500).items
        assert {(each.reason, each.attempt) for each in failed} >= {("refused", 1)}
        assert all(each.detail for each in failed)
        invariants.check(runtime)


def test_a_batch_refused_for_a_limit_is_tried_again_later(runtime: Runtime, driver: Driver) -> None:
    with teaching(batch_refusal=["token_limit_exceeded"]) as teacher:
        job = submit(runtime, teacher, target_rows=3)
        ended = driver.finish(job.id)
        assert (ended.state, ended.reason) == (JobState.SUCCEEDED, "target_reached")
        first = all_batches(runtime, job.id)[0]
        assert first.provider_state == "failed"
        assert "token_limit_exceeded" in str(first.detail)
        is_paid_once(runtime, job.id, teacher)


@pytest.mark.parametrize(
    ("code", "reason"),
    [("invalid_endpoint", "teacher_refused"), ("insufficient_quota", "teacher_quota")],
)
def test_a_batch_refused_for_good_pauses_the_job_with_the_teachers_words(
    runtime: Runtime, driver: Driver, code: str, reason: str
) -> None:
    with teaching(batch_refusal=[code]) as teacher:
        job = submit(runtime, teacher, target_rows=3)
        paused = driver.finish(job.id)
        assert (paused.state, paused.reason) == (JobState.PAUSED, reason)
        assert code in str(paused.detail)
        assert (paused.spent_micro_usd, paused.reserved_micro_usd) == (0, 0)
        invariants.check(runtime)
        jobs.resume(runtime, job.id)
        assert driver.finish(job.id).state is JobState.SUCCEEDED


def test_a_creation_whose_answer_is_lost_is_found_again_and_not_paid_twice(
    runtime: Runtime, driver: Driver
) -> None:
    with teaching(batch_lost_creations=2) as teacher:
        job = submit(runtime, teacher, target_rows=3)
        assert driver.finish(job.id).state is JobState.SUCCEEDED
        is_paid_once(runtime, job.id, teacher)


def test_a_wrong_key_pauses_the_job_and_gives_its_calls_back(
    runtime: Runtime, driver: Driver
) -> None:
    with teaching(api_key="sk-right-0123456789abcdef") as teacher:
        record = add_teacher(
            runtime, teacher.base_url, api_key=SecretStr("sk-wrong-0123456789abcdef"), **PRICES
        )
        details = jobs.JobDetails(
            seed_set_id=add_seeds(runtime),
            teacher_id=record.id,
            target_rows=3,
            delivery=Delivery.BATCH,
        )
        job = jobs.submit(runtime, details)
        paused = driver.finish(job.id)
        assert (paused.state, paused.reason) == (JobState.PAUSED, "teacher_unauthorized")
        assert paused.detail
        assert "sk-wrong" not in paused.detail
        assert states(runtime, job.id) == {BatchState.WITHDRAWN}
        assert (paused.calls, paused.reserved_micro_usd) == (0, 0)
        teachers.change(runtime, record.id, {"api_key": SecretStr("sk-right-0123456789abcdef")})
        jobs.resume(runtime, job.id)
        assert driver.finish(job.id).state is JobState.SUCCEEDED
        invariants.check(runtime)


def test_a_teacher_that_is_away_pauses_the_job(runtime: Runtime, driver: Driver) -> None:
    record = add_teacher(runtime, "http://127.0.0.1:9/v1", **PRICES)
    details = jobs.JobDetails(
        seed_set_id=add_seeds(runtime),
        teacher_id=record.id,
        target_rows=3,
        delivery=Delivery.BATCH,
    )
    job = jobs.submit(runtime, details)
    paused = driver.finish(job.id)
    assert (paused.state, paused.reason) == (JobState.PAUSED, "teacher_unhealthy")
    assert (paused.calls, paused.reserved_micro_usd, paused.spent_micro_usd) == (0, 0, 0)
    invariants.check(runtime)
    with teaching() as teacher:
        teachers.change(runtime, record.id, {"base_url": teacher.base_url})
        driver.step(job.id)
        assert len(all_batches(runtime, job.id)) == 1, "not before a minute is over"
        with runtime.database.transaction() as connection:
            minute = "UPDATE teacher_probes SET probed_at = probed_at - interval '61 s'"
            connection.execute(sa.text(minute))
        assert sweep(runtime).jobs == 1
        step_until(driver, job.id, lambda: jobs.get(runtime, job.id).state is not JobState.PAUSED)
        assert [each.requests for each in all_batches(runtime, job.id)][1] == 1
        assert driver.finish(job.id).state is JobState.SUCCEEDED
        is_paid_once(runtime, job.id, teacher)


def test_pause_begins_no_batch_and_collects_what_runs(runtime: Runtime, driver: Driver) -> None:
    with teaching(batch_delay_s=4) as teacher:
        job = submit(runtime, teacher)
        step_until(driver, job.id, in_state(runtime, job.id, BatchState.RUNNING))
        jobs.pause(runtime, job.id)
        step_until(driver, job.id, in_state(runtime, job.id, BatchState.COLLECTED))
        for _ in range(3):
            driver.step(job.id)
        paused = jobs.get(runtime, job.id)
        assert paused.state is JobState.PAUSED
        assert paused.reserved_micro_usd == 0 < paused.spent_micro_usd
        assert states(runtime, job.id) == {BatchState.COLLECTED}
        assert len(provider_batches(teacher)) == 1
        is_paid_once(runtime, job.id, teacher)
        jobs.resume(runtime, job.id)
        assert driver.finish(job.id).state is JobState.SUCCEEDED


def test_cancel_cancels_the_teachers_batch_and_keeps_what_is_paid(
    runtime: Runtime, driver: Driver
) -> None:
    with teaching(batch_delay_s=0, batch_line_s=0.1) as teacher:
        job = submit(runtime, teacher, target_rows=100)
        step_until(driver, job.id, in_state(runtime, job.id, BatchState.RUNNING))
        while not teacher.stats()["calls"]:
            time.sleep(0.02)
        jobs.cancel(runtime, job.id)
        ended = driver.finish(job.id)
        assert ended.state is JobState.CANCELLED
        (batch,) = all_batches(runtime, job.id)
        assert (batch.state, batch.provider_state) == (BatchState.COLLECTED, "cancelled")
        assert 0 < teacher.stats()["calls"] < batch.requests
        calls = jobs.progress(runtime, job.id).calls
        assert calls["accepted"] + calls["rejected"] == teacher.stats()["calls"]
        is_paid_once(runtime, job.id, teacher)


def test_a_batch_that_the_teacher_no_longer_knows_is_charged_in_full(
    runtime: Runtime, driver: Driver
) -> None:
    with teaching(batch_delay_s=60) as teacher:
        job = submit(runtime, teacher)
        step_until(driver, job.id, in_state(runtime, job.id, BatchState.RUNNING))
        reserved = jobs.get(runtime, job.id).reserved_micro_usd
        teacher.reset()
        ended = driver.finish(job.id)
        assert (ended.state, ended.reason) == (JobState.PAUSED, "teacher_unhealthy")
        assert (ended.spent_micro_usd, ended.reserved_micro_usd) == (reserved, 0)
        assert states(runtime, job.id) == {BatchState.LOST}
        invariants.check(runtime)


def test_the_sweep_leaves_the_calls_of_a_batch_alone_and_rings_for_what_is_due(
    runtime: Runtime, driver: Driver
) -> None:
    with teaching(batch_delay_s=60) as teacher:
        job = submit(runtime, teacher)
        step_until(driver, job.id, in_state(runtime, job.id, BatchState.RUNNING))
        with runtime.database.transaction() as connection:
            connection.execute(sa.text("DELETE FROM workers"))
            connection.execute(
                sa.text("UPDATE teacher_batches SET next_step_at = now() + interval '1 hour'")
            )
        jobs.pause(runtime, job.id)
        swept = sweep(runtime)
        assert (swept.orphans, swept.batches) == (0, 0)
        with runtime.database.transaction() as connection:
            connection.execute(sa.text("UPDATE teacher_batches SET next_step_at = now()"))
        assert sweep(runtime).batches == 1
        with runtime.database.transaction() as connection:
            connection.execute(sa.text("UPDATE teacher_batches SET ended_at = now()"))
        assert sweep(runtime).orphans > 0, "once a batch is over nothing is left to it"


def test_a_teacher_cannot_move_while_its_batches_live(runtime: Runtime, driver: Driver) -> None:
    with teaching(batch_delay_s=60) as teacher:
        job = submit(runtime, teacher)
        step_until(driver, job.id, in_state(runtime, job.id, BatchState.RUNNING))
        with pytest.raises(InUse, match="under way"):
            teachers.change(runtime, teacher_of(job), {"base_url": "http://127.0.0.1:9/v1"})
        teachers.change(runtime, teacher_of(job), {"name": "another name"})


def test_calls_of_a_batch_take_no_room_from_single_calls(runtime: Runtime, driver: Driver) -> None:
    with teaching(batch_delay_s=60) as teacher:
        job = submit(runtime, teacher, target_rows=100)
        step_until(driver, job.id, in_state(runtime, job.id, BatchState.RUNNING))
        teachers.change(runtime, teacher_of(job), {"max_concurrency": 2})
        details = jobs.JobDetails(job.seed_set_id, job.teacher_id, target_rows=3)
        single = jobs.submit(runtime, details)
        assert driver.finish(single.id).state is JobState.SUCCEEDED


def test_retry_sends_failed_calls_with_a_batch(runtime: Runtime, driver: Driver) -> None:
    with teaching(faults={"refuse": 0.2}) as teacher:
        job = submit(runtime, teacher, target_rows=10)
        driver.finish(job.id)
        failed = jobs.progress(runtime, job.id).calls["failed"]
        assert failed > 0
        before = teacher.stats()["calls"]
        jobs.retry(runtime, job.id, only_failed=True)
        assert driver.finish(job.id).state is JobState.SUCCEEDED
        assert teacher.stats()["calls"] - before == failed
        assert states(runtime, job.id) == {BatchState.COLLECTED}
        invariants.check(runtime)


def test_a_strict_job_gives_the_rows_of_single_calls(runtime: Runtime, driver: Driver) -> None:
    with teaching() as teacher:
        job = submit(runtime, teacher, target_rows=8, options={"order": "strict"})
        driver.finish(job.id)
        details = jobs.JobDetails(
            job.seed_set_id, job.teacher_id, target_rows=8, options={"order": "strict"}
        )
        single = jobs.submit(runtime, details)
        driver.finish(single.id)
        assert instructions(runtime, job.id) == instructions(runtime, single.id) != []
