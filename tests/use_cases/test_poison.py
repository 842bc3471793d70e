"""Calls and replies that kill their worker: they strike out, their neighbours do not."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from app.db import jobs as queries
from app.db.ids import new_id
from app.domain.lifecycle import Delivery, JobState, SlotState
from app.domain.method import Conversation
from app.domain.methods import METHODS
from app.domain.methods.self_instruct import SelfInstruct
from app.domain.records import Candidate, Source
from app.domain.stored import CallRecord, Job
from app.llm.teacher import Call, Outcome, Reply
from app.runtime import Runtime
from app.use_cases import jobs
from app.use_cases.claiming import Asker, claim_locked
from app.use_cases.draft import Draft
from app.use_cases.memory import Memory
from app.use_cases.settling import store_replies
from app.use_cases.sweep import sweep
from tests import invariants
from tests.demo_teacher_process import RunningTeacher, start_demo_teacher
from tests.driving import Driver, running_driver, running_runtime
from tests.use_cases.batch_jobs import QUICK
from tests.use_cases.calling import answer, claimed, execute, planned, submitted

MOST_DEATHS = 12


@pytest.fixture(scope="module")
def teacher() -> Iterator[RunningTeacher]:
    with start_demo_teacher(latency_s=0.01, seed=7) as running:
        yield running


def number_of(runtime: Runtime, call: Call) -> tuple[str, int]:
    with runtime.database.transaction() as connection:
        query = "SELECT kind, number FROM slots WHERE id = %s"
        row = connection.exec_driver_sql(query, (call.key,)).one()
    return row[0], row[1]


class Mortal:
    """Drives a job in processes that die (SystemExit is their end) until one lives to the end."""

    def __init__(self, runtime: Runtime, job: Job, deadly: Callable[[Call], bool]) -> None:
        self._runtime = runtime
        self._job = job
        self._deadly = deadly
        self.deaths = 0

    def run(self) -> Job:
        """Until the job stands still; dead workers are found by the sweep."""
        while True:
            with running_driver(self._runtime) as driver:
                self._arm(driver)
                try:
                    return driver.finish(self._job.id, timeout_s=100)
                except SystemExit:
                    self.deaths += 1
                    assert self.deaths <= MOST_DEATHS
            execute(self._runtime, "UPDATE workers SET heartbeat_at = now() - interval '1 hour'")
            sweep(self._runtime)

    def _arm(self, driver: Driver) -> None:
        start = driver.engine.door.start

        def dies(call: Call, done: Any) -> None:
            if self._deadly(call):
                raise SystemExit
            start(call, done)

        driver.engine.door.start = dies


def quarantined(runtime: Runtime, job: Job) -> list[CallRecord]:
    states = [SlotState.QUARANTINED]
    return list(jobs.page_calls(runtime, job.id, states=states, limit=500).items)


def test_a_call_that_kills_its_worker_strikes_out_and_its_neighbours_do_not(
    runtime: Runtime, teacher: RunningTeacher
) -> None:
    job = submitted(runtime, teacher.base_url, teacher={"max_concurrency": 8}, target_rows=15)
    poison = {("propose", 1), ("propose", 3)}
    mortal = Mortal(runtime, job, lambda call: number_of(runtime, call) in poison)
    ended = mortal.run()
    struck = quarantined(runtime, job)
    assert ended.reason == "target_reached"
    assert {(each.kind, each.number) for each in struck} == poison
    assert all(each.reason == "worker_lost" and each.attempt <= 3 for each in struck)
    assert mortal.deaths <= 3 * len(poison)
    invariants.check(runtime)


def test_neighbours_of_a_dead_worker_have_no_failure_and_a_reply_clears_them(
    runtime: Runtime,
) -> None:
    job = planned(runtime)
    claimed(runtime, job, 5)
    sweep(runtime)
    with runtime.database.transaction() as connection:
        query = "SELECT strikes, failures, count(*) FROM slots WHERE attempt > 0 GROUP BY 1, 2"
        assert [tuple(row) for row in connection.exec_driver_sql(query)] == [(1, 0, 5)]


def test_a_reply_that_comes_back_clears_its_call(runtime: Runtime) -> None:
    job = planned(runtime)
    call = claimed(runtime, job, 1)[0]
    execute(runtime, "UPDATE slots SET strikes = 2 WHERE state = 'in_flight'")
    store_replies(runtime, job.id, [Reply(call, Outcome.ANSWERED, 200, answer())])
    with runtime.database.transaction() as connection:
        query = "SELECT strikes FROM slots WHERE state = 'received'"
        assert connection.exec_driver_sql(query).scalar() == 0


def test_suspects_fly_in_small_flights_and_the_second_time_alone(runtime: Runtime) -> None:
    job = planned(runtime)
    execute(runtime, "UPDATE slots SET strikes = 1 WHERE number < 40")
    execute(runtime, "UPDATE slots SET strikes = 2 WHERE number < 2")
    sizes = []
    for _ in range(5):
        with runtime.database.transaction() as connection:
            locked = queries.lock(connection, job.id)
            assert locked is not None
            draft = Draft()
            asker = Asker(new_id(), suspects=True)
            found = claim_locked(connection, runtime, locked, asker, draft, Memory())
            draft.write(connection, job.id)
        sizes.append(len(found.calls))
    assert sizes == [1, 1, 32, 6, 0]


def test_what_struck_out_is_retried_alone_and_once(runtime: Runtime) -> None:
    job = planned(runtime)
    execute(runtime, "UPDATE slots SET strikes = 2 WHERE number = 0")
    execute(runtime, "UPDATE slots SET state = 'in_flight', attempt = 3 WHERE number = 0")
    execute(
        runtime,
        "UPDATE job_counts SET n = n - 1 WHERE family = 'slot' AND name = 'ready'",
    )
    execute(runtime, "INSERT INTO job_counts VALUES (:id, 'slot', 'in_flight', 1)", id=job.id)
    execute(
        runtime,
        "INSERT INTO ledger (job_id, slot_id, attempt, entry, reserved_delta, spent_delta) "
        "SELECT job_id, id, 3, 'reserve', 0, 0 FROM slots WHERE number = 0",
    )
    sweep(runtime)
    assert len(quarantined(runtime, job)) == 1
    jobs.retry(runtime, job.id, only_failed=True)
    with runtime.database.transaction() as connection:
        query = "SELECT state, strikes FROM slots WHERE number = 0"
        assert tuple(connection.exec_driver_sql(query).one()) == ("ready", 2)
    assert not {number_of(runtime, call)[1] for call in claimed(runtime, job, 20)} & {0}
    invariants.check(runtime)


@dataclass(frozen=True, kw_only=True)
class Poisonous(SelfInstruct):
    """Whoever reads the reply of its conversation number 3 dies."""

    def propose(self, sources: Sequence[Source], rng: Random) -> Conversation[Sequence[Candidate]]:
        twin = Random()
        twin.setstate(rng.getstate())
        conversation = super().propose(sources, rng)
        completion = yield next(conversation)
        if twin.random() == Random("42:propose:3").random():
            raise SystemExit
        try:
            conversation.send(completion)
        except StopIteration as end:
            return end.value
        raise AssertionError("it asks once")


def test_a_reply_that_kills_its_readers_is_read_three_times_and_kept(
    runtime: Runtime, teacher: RunningTeacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(cast("dict[str, Any]", METHODS), "poisonous", Poisonous)
    job = submitted(
        runtime,
        teacher.base_url,
        teacher={"max_concurrency": 8},
        target_rows=15,
        method="poisonous",
    )
    mortal = Mortal(runtime, job, lambda call: False)
    ended = mortal.run()
    struck = quarantined(runtime, job)
    assert ended.reason == "target_reached"
    assert [(each.kind, each.number, each.reason) for each in struck] == [
        ("propose", 3, "worker_lost")
    ]
    assert struck[0].attempt == 1
    assert mortal.deaths == 3
    with runtime.database.transaction() as connection:
        query = "SELECT length(raw) FROM completions WHERE slot_id = %s"
        assert connection.exec_driver_sql(query, (struck[0].id,)).scalar()
    invariants.check(runtime)


def test_a_reply_of_a_batch_that_kills_its_readers_is_set_aside_too(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(cast("dict[str, Any]", METHODS), "poisonous", Poisonous)
    free = {"batch_input_micro_usd_per_million": 0, "batch_output_micro_usd_per_million": 0}
    with (
        running_runtime(database_url, tmp_path / "home", **QUICK) as runtime,
        start_demo_teacher(latency_s=0, seed=7, batch_delay_s=0.1) as batched,
    ):
        job = submitted(
            runtime,
            batched.base_url,
            teacher=free,
            target_rows=15,
            method="poisonous",
            delivery=Delivery.BATCH,
        )
        mortal = Mortal(runtime, job, lambda call: False)
        ended = mortal.run()
        struck = quarantined(runtime, job)
        assert ended.reason == "target_reached"
        assert [(each.kind, each.number) for each in struck] == [("propose", 3)]
        assert mortal.deaths == 3
        invariants.check(runtime)


def test_a_stray_reply_does_not_keep_a_cancelled_job_from_ending(
    runtime: Runtime, driver: Driver
) -> None:
    job = planned(runtime)
    call = claimed(runtime, job, 1)[0]
    store_replies(runtime, job.id, [Reply(call, Outcome.ANSWERED, 200, answer())])
    jobs.cancel(runtime, job.id)
    assert driver.finish(job.id).state is JobState.CANCELLED
    invariants.check(runtime)
