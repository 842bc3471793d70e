"""The engine when something breaks off: nothing paid is lost, and no job stands still for ever."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from app.db import jobs as queries
from app.db import slots
from app.db.engine import Database
from app.db.ids import new_id
from app.domain.lifecycle import JobState, SlotState
from app.domain.stored import Job
from app.errors import InsufficientStorage, Unavailable
from app.llm.teacher import Outcome, Reply
from app.runtime import Runtime
from app.use_cases import jobs
from app.use_cases.claiming import claim
from app.use_cases.job_context import SeedCache, load
from app.use_cases.planning import plan
from app.use_cases.settling import store_replies
from app.use_cases.sweep import sweep
from tests import invariants
from tests.demo_teacher_process import RunningTeacher, start_demo_teacher
from tests.driving import Driver, add_seeds, add_teacher, running_driver

NOBODY = "http://127.0.0.1:9/v1"


@pytest.fixture(scope="module")
def teacher() -> Iterator[RunningTeacher]:
    with start_demo_teacher(latency_s=0.02, seed=7) as running:
        yield running


class BrokenDatabase(Database):
    """A real database whose transactions fail when a test says so, before or after the commit."""

    def __init__(self, database: Database) -> None:
        self._real = database
        self.before: Callable[[], None] = lambda: None
        self.after: Callable[[sa.Connection], None] = lambda _: None

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        self.before()
        with self._real.transaction() as connection:
            yield connection
        self.after(connection)

    def close(self) -> None:
        """Left to the fixture."""


@pytest.fixture
def broken(runtime: Runtime) -> BrokenDatabase:
    return BrokenDatabase(runtime.database)


@pytest.fixture
def broken_driver(runtime: Runtime, broken: BrokenDatabase) -> Iterator[Driver]:
    with running_driver(replace(runtime, database=broken)) as driver:
        yield driver


def submit(runtime: Runtime, base_url: str, *, concurrency: int = 20, **details: Any) -> Job:
    record = add_teacher(runtime, base_url, max_concurrency=concurrency, name=f"t{new_id().hex}")
    values = {"target_rows": 40, **details}
    return jobs.submit(
        runtime, jobs.JobDetails(seed_set_id=add_seeds(runtime), teacher_id=record.id, **values)
    )


def planned(runtime: Runtime, **details: Any) -> Job:
    """A job with prompts that wait to be sent to an address where nobody answers."""
    job = submit(runtime, NOBODY, **details)
    assert plan(runtime, load(runtime, SeedCache(), job.id)) is JobState.RUNNING
    return job


def execute(runtime: Runtime, statement: str, **values: object) -> None:
    with runtime.database.transaction() as connection:
        connection.execute(sa.text(statement), values)


def count_slots(runtime: Runtime, state: str) -> int:
    with runtime.database.transaction() as connection:
        query = sa.text("SELECT count(*) FROM slots WHERE state = :state")
        return int(connection.execute(query, {"state": state}).scalar_one())


def fail_calls(runtime: Runtime, job: Job, count: int) -> None:
    """Have so many calls of a job refused."""
    calls = claim(runtime, new_id(), job.id, count).calls
    store_replies(runtime, job.id, [Reply(call, Outcome.REFUSED, 400) for call in calls])
    assert jobs.progress(runtime, job.id).calls["failed"] == count


def wait_for(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def test_a_message_that_comes_late_changes_nothing_of_a_finished_job(
    runtime: Runtime, driver: Driver
) -> None:
    job = planned(runtime)
    jobs.cancel(runtime, job.id)
    assert driver.finish(job.id).state is JobState.CANCELLED
    before = jobs.progress(runtime, job.id)
    driver.engine.advance(job.id)
    assert jobs.progress(runtime, job.id).calls == before.calls
    invariants.check(runtime)


def test_a_job_is_cancelled_although_calls_wait_for_a_retry(
    runtime: Runtime, driver: Driver
) -> None:
    job = planned(runtime)
    fail_calls(runtime, job, 3)
    jobs.retry(runtime, job.id, only_failed=True)
    jobs.cancel(runtime, job.id)
    driver.engine.advance(job.id)
    assert jobs.get(runtime, job.id).state is JobState.CANCELLED
    invariants.check(runtime)


@pytest.mark.parametrize("cap", ["cap_calls", "cap_micro_usd"])
def test_a_retry_that_no_cap_allows_ends_the_job(
    runtime: Runtime, driver: Driver, cap: str
) -> None:
    job = planned(runtime)
    fail_calls(runtime, job, 3)
    execute(
        runtime,
        "UPDATE jobs SET calls = 3, cap_calls = 3"
        if cap == "cap_calls"
        else "UPDATE jobs SET cap_micro_usd = 0",
    )
    jobs.retry(runtime, job.id, only_failed=True)
    driver.engine.advance(job.id)
    ended = jobs.get(runtime, job.id)
    assert ended.state is JobState.SUCCEEDED
    assert ended.reason == ("calls_exhausted" if cap == "cap_calls" else "budget_exhausted")
    execute(runtime, "UPDATE jobs SET cap_micro_usd = NULL")
    invariants.check(runtime)


def test_a_job_paused_for_want_of_usable_replies_can_go_on(
    runtime: Runtime, driver: Driver
) -> None:
    with start_demo_teacher(latency_s=0.0, seed=3, faults={"null_content": 1.0}) as useless:
        job = submit(runtime, useless.base_url, target_rows=10)
        paused = driver.finish(job.id)
        assert (paused.state, paused.reason) == (JobState.PAUSED, "no_usable_replies")
    with start_demo_teacher(latency_s=0.0, seed=3) as useful:
        execute(runtime, "UPDATE teachers SET base_url = :url", url=useful.base_url)
        jobs.resume(runtime, job.id)
        ended = driver.finish(job.id)
    assert (ended.state, ended.reason) == (JobState.SUCCEEDED, "target_reached")
    invariants.check(runtime)


def test_a_full_disk_loses_no_paid_reply(
    runtime: Runtime, broken: BrokenDatabase, broken_driver: Driver, teacher: RunningTeacher
) -> None:
    job = submit(runtime, teacher.base_url, target_rows=20)
    full = threading.Event()

    def check() -> None:
        if full.is_set():
            raise InsufficientStorage("The database has no disk space left.")

    broken.before = check
    driving = threading.Thread(target=broken_driver.engine.advance, args=(job.id,))
    driving.start()
    wait_for(lambda: jobs.get(runtime, job.id).calls > 10)
    full.set()
    time.sleep(1.5)
    full.clear()
    driving.join(30)
    assert broken_driver.finish(job.id).reason == "target_reached"
    assert "worker_lost" not in jobs.progress(runtime, job.id).errors
    invariants.check(runtime)


def test_a_claim_whose_commit_is_in_doubt_costs_nothing(
    runtime: Runtime, broken: BrokenDatabase, broken_driver: Driver, teacher: RunningTeacher
) -> None:
    job = submit(runtime, teacher.base_url, target_rows=20)
    doubts: list[int] = []

    def cut_off(_: sa.Connection) -> None:
        in_flight = jobs.progress(runtime, job.id).job.reserved_micro_usd
        if in_flight and not doubts:
            doubts.append(in_flight)
            raise Unavailable("The connection was cut before the answer to COMMIT came.")

    broken.after = cut_off
    ended = broken_driver.finish(job.id)
    progress = jobs.progress(runtime, job.id)
    assert doubts
    assert ended.reason == "target_reached"
    assert "worker_lost" not in progress.errors
    assert ended.calls == sum(progress.calls[name] for name in ("accepted", "rejected", "failed"))
    invariants.check(runtime)


def test_replies_are_stored_although_the_slice_fails(
    runtime: Runtime, broken: BrokenDatabase, broken_driver: Driver, teacher: RunningTeacher
) -> None:
    job = submit(runtime, teacher.base_url, target_rows=20)
    failures: list[int] = []

    def check() -> None:
        """Fail between the commit that stores replies and the one that reads them."""
        if not failures and count_slots(runtime, "received"):
            failures.append(1)
            raise KeyError("something that nobody foresaw")

    broken.before = check
    with pytest.raises(KeyError):
        broken_driver.engine.advance(job.id)
    assert failures
    assert jobs.get(runtime, job.id).reserved_micro_usd == 0
    assert broken_driver.finish(job.id).reason == "target_reached"
    assert "worker_lost" not in jobs.progress(runtime, job.id).errors
    invariants.check(runtime)


def test_calls_that_a_living_worker_forgot_are_charged_and_made_again(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    job = submit(runtime, teacher.base_url, target_rows=10)
    plan(runtime, load(runtime, SeedCache(), job.id))
    forgotten = claim(runtime, driver.engine.worker_id, job.id, 3).calls
    assert len(forgotten) == 3
    assert driver.finish(job.id, timeout_s=20).reason == "target_reached"
    assert jobs.progress(runtime, job.id).errors["worker_lost"] == 3
    invariants.check(runtime)


def test_two_late_replies_for_one_call_count_once(runtime: Runtime) -> None:
    job = planned(runtime)
    late = []
    for _ in range(2):
        execute(
            runtime,
            "UPDATE slots SET not_before = CASE WHEN number = 0 THEN NULL "
            "ELSE now() + interval '1 hour' END WHERE state = 'ready'",
        )
        late += claim(runtime, new_id(), job.id, 1).calls
        sweep(runtime)
        execute(runtime, "UPDATE slots SET strikes = 0")
    assert late[0].key == late[1].key
    raw = b'{"choices": [{"message": {"content": "x"}}]}'
    store_replies(runtime, job.id, [Reply(call, Outcome.ANSWERED, 200, raw) for call in late])
    invariants.check(runtime)


def test_the_sweep_rings_for_every_job_in_turn(runtime: Runtime) -> None:
    made = [submit(runtime, NOBODY).id for _ in range(3)]
    rung = []
    for _ in range(3):
        with runtime.database.transaction() as connection:
            rung += queries.to_wake(connection, older_than_s=0.0, limit=1)
    assert sorted(rung) == sorted(made)


def test_a_worker_that_stops_beats_until_its_calls_are_back(
    runtime: Runtime, teacher: RunningTeacher
) -> None:
    quick = replace(runtime, settings=runtime.settings.model_copy(update={"heartbeat_s": 0.05}))
    with running_driver(quick) as driver:
        driver.engine.stop()
        execute(runtime, "UPDATE workers SET heartbeat_at = now() - interval '1 hour'")
        time.sleep(0.5)
        with runtime.database.transaction() as connection:
            query = sa.text("SELECT now() - heartbeat_at < interval '1 minute' FROM workers")
            assert list(connection.execute(query).scalars()) == [True]


def test_a_heart_beats_on_after_a_full_disk(runtime: Runtime, broken: BrokenDatabase) -> None:
    settings = runtime.settings.model_copy(update={"heartbeat_s": 0.05})
    failed: list[int] = []

    def check() -> None:
        if threading.current_thread().name == "heartbeat" and not failed:
            failed.append(1)
            raise InsufficientStorage("The database has no disk space left.")

    with running_driver(replace(runtime, database=broken, settings=settings)):
        broken.before = check
        wait_for(lambda: bool(failed))
        execute(runtime, "UPDATE workers SET heartbeat_at = now() - interval '1 hour'")
        time.sleep(0.5)
        with runtime.database.transaction() as connection:
            query = sa.text("SELECT now() - heartbeat_at < interval '1 minute' FROM workers")
            assert list(connection.execute(query).scalars()) == [True]


def test_a_cancelled_job_ends_with_its_last_call(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    for _ in range(5):
        job = submit(runtime, teacher.base_url, target_rows=1000, concurrency=8)
        driving = threading.Thread(target=driver.engine.advance, args=(job.id,))
        driving.start()
        wait_for(lambda job=job: jobs.get(runtime, job.id).calls > 10)
        jobs.cancel(runtime, job.id)
        driving.join(20)
        assert jobs.get(runtime, job.id).state is JobState.CANCELLED
    invariants.check(runtime)


def test_a_teacher_that_loses_its_prices_pauses_the_job(runtime: Runtime) -> None:
    job = planned(runtime)
    execute(runtime, "UPDATE teachers SET input_micro_usd_per_million = NULL")
    assert not claim(runtime, new_id(), job.id, 3).calls
    paused = jobs.get(runtime, job.id)
    assert paused.state is JobState.PAUSED
    assert "price" in str(paused.detail)
    with runtime.database.transaction() as connection:
        assert all(state == SlotState.READY for _, state in slots.counts_active(connection, job.id))


def test_replies_whose_commit_was_in_doubt_count_once(runtime: Runtime) -> None:
    job = planned(runtime)
    raw = b'{"choices": [{"message": {"content": "x"}}]}'
    calls = claim(runtime, new_id(), job.id, 2).calls
    replies = [Reply(call, Outcome.ANSWERED, 200, raw) for call in calls]
    store_replies(runtime, job.id, replies)
    before = jobs.progress(runtime, job.id)
    store_replies(runtime, job.id, replies)
    after = jobs.progress(runtime, job.id)
    assert (after.errors, after.calls) == (before.errors, before.calls)
    assert after.job.spent_micro_usd == before.job.spent_micro_usd
    invariants.check(runtime)


def test_a_reply_that_cannot_be_stored_leaves_its_neighbours_alone(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    job = submit(runtime, teacher.base_url, target_rows=8)
    execute(
        runtime,
        "ALTER TABLE completions ADD CONSTRAINT poison CHECK (attempt > 1 OR cost_micro_usd = 0 "
        "OR slot_id::text !~ '[0-3]$')",
    )
    ended = driver.finish(job.id, timeout_s=50)
    progress = jobs.progress(runtime, job.id)
    assert ended.reason == "target_reached"
    assert progress.errors["worker_lost"] > 0
    assert progress.rows["accepted"] >= 8
    invariants.check(runtime)
