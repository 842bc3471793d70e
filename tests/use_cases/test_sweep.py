"""The sweep: lost workers' calls are charged and made again, forgotten things are rung for."""

import os
import subprocess
import sys
from dataclasses import dataclass, field, replace
from uuid import UUID

import pytest
import sqlalchemy as sa

from app.db import jobs as queries
from app.db import slots, workers
from app.db.ids import new_id
from app.domain.lifecycle import ConversationKind, JobState, SlotState
from app.domain.stored import Job
from app.runtime import Runtime
from app.use_cases import exports, jobs
from app.use_cases.claiming import Asker, claim, claim_locked
from app.use_cases.draft import Draft
from app.use_cases.heartbeat import this_host
from app.use_cases.job_context import SeedCache, load
from app.use_cases.memory import Memory
from app.use_cases.planning import plan
from app.use_cases.sweep import Swept, seconds_since_sweep, sweep
from tests import invariants
from tests.driving import add_seeds, add_teacher, teacher_of


@dataclass
class Bell:
    """Writes down what was rung for."""

    rung: list[tuple[str, UUID]] = field(default_factory=list[tuple[str, UUID]])

    def generate(self, job_id: UUID) -> None:
        self.rung.append(("generate", job_id))

    def admit(self, pool_id: UUID) -> None:
        self.rung.append(("admit", pool_id))

    def export(self, export_id: UUID) -> None:
        self.rung.append(("export", export_id))

    def train(self, run_id: UUID) -> None:
        self.rung.append(("train", run_id))

    def compare(self, comparison_id: UUID) -> None:
        self.rung.append(("compare", comparison_id))


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
def quiet(runtime: Runtime, bell: Bell) -> Runtime:
    return replace(runtime, wake=bell)


@pytest.fixture
def job(quiet: Runtime) -> Job:
    teacher = add_teacher(quiet, "http://127.0.0.1:9/v1", max_concurrency=3)
    details = jobs.JobDetails(seed_set_id=add_seeds(quiet), teacher_id=teacher.id, target_rows=50)
    job = jobs.submit(quiet, details)
    assert plan(quiet, load(quiet, SeedCache(), job.id)) is JobState.RUNNING
    return job


def lose_calls(runtime: Runtime, job: Job, *, suspects: bool = False) -> int:
    """Claim calls for a worker that never existed."""
    with runtime.database.transaction() as connection:
        locked = queries.lock(connection, job.id)
        assert locked is not None
        draft = Draft()
        asker = Asker(new_id(), most=3, suspects=suspects)
        calls = claim_locked(connection, runtime, locked, asker, draft, Memory()).calls
        draft.write(connection, job.id)
    return len(calls)


def test_calls_of_a_lost_worker_are_charged_in_full_and_made_again(
    quiet: Runtime, job: Job
) -> None:
    assert lose_calls(quiet, job) == 3
    reserved = jobs.get(quiet, job.id).reserved_micro_usd
    assert reserved > 0
    assert sweep(quiet).orphans == 3
    after = jobs.get(quiet, job.id)
    assert (after.spent_micro_usd, after.reserved_micro_usd) == (reserved, 0)
    assert jobs.progress(quiet, job.id).errors == {"worker_lost": 3}
    assert lose_calls(quiet, job, suspects=True) == 3
    invariants.check(quiet)


def test_a_slot_that_loses_three_workers_is_quarantined_and_its_neighbours_are_not(
    quiet: Runtime, job: Job
) -> None:
    for strikes in range(3):
        with quiet.database.transaction() as connection:
            connection.execute(
                sa.text(
                    "UPDATE slots SET not_before = CASE WHEN number = 0 THEN NULL "
                    "ELSE now() + interval '1 hour' END WHERE state = 'ready'"
                )
            )
        assert lose_calls(quiet, job, suspects=bool(strikes)) == 1
        sweep(quiet)
    with quiet.database.transaction() as connection:
        active = slots.counts_active(connection, job.id)
        found = connection.execute(sa.text("SELECT reason FROM slots WHERE number = 0")).scalars()
        assert list(found) == ["worker_lost"]
    assert active[ConversationKind.PROPOSE, SlotState.READY] > 0
    assert jobs.progress(quiet, job.id).calls["failed"] == 1
    invariants.check(quiet)


def test_a_key_that_cannot_be_opened_pauses_the_job(quiet: Runtime, job: Job) -> None:
    with quiet.database.transaction() as connection:
        connection.execute(sa.text("UPDATE teachers SET sealed_key = 'of another master key'"))
    assert lose_calls(quiet, job) == 0
    paused = jobs.get(quiet, job.id)
    assert (paused.state, paused.reason) == (JobState.PAUSED, "teacher_unauthorized")
    assert "again" in str(paused.detail)


def test_calls_of_a_worker_that_beats_are_left_alone(quiet: Runtime, job: Job) -> None:
    lose_calls(quiet, job)
    with quiet.database.transaction() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO workers (id, kind, host, process) "
                "SELECT DISTINCT worker_id, 'generate', 'here', 1 FROM slots "
                "WHERE worker_id IS NOT NULL"
            )
        )
    assert sweep(quiet).orphans == 0


def test_rings_for_live_jobs_waiting_pools_and_exports_but_not_twice_in_a_moment(
    quiet: Runtime, job: Job, bell: Bell
) -> None:
    export = exports.request(quiet, job.id, "alpaca")
    bell.rung.clear()
    assert sweep(quiet) == Swept(orphans=0, jobs=1, pools=0, exports=1)
    assert bell.rung == [("generate", job.id), ("export", export.id)]
    assert sweep(quiet).jobs == 0
    jobs.pause(quiet, job.id)
    with quiet.database.transaction() as connection:
        connection.execute(sa.text("UPDATE jobs SET hinted_at = NULL"))
    assert sweep(quiet).jobs == 0


def test_one_sweeps_at_a_time(quiet: Runtime, job: Job) -> None:
    lose_calls(quiet, job)
    with quiet.database.transaction() as connection:
        assert workers.try_sweep_lock(connection)
        assert sweep(quiet) == Swept()
    assert sweep(quiet).orphans == 3


def test_says_when_it_last_ran(quiet: Runtime) -> None:
    assert seconds_since_sweep(quiet) is None
    sweep(quiet)
    age_s = seconds_since_sweep(quiet)
    assert age_s is not None
    assert 0 <= age_s < 10


def test_a_neighbour_whose_process_is_gone_needs_no_lease(quiet: Runtime, job: Job) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    beating, lost, abroad = new_id(), new_id(), new_id()
    with quiet.database.transaction() as connection:
        for worker_id, host, process in (
            (beating, this_host(), os.getpid()),
            (lost, this_host(), gone.pid),
            (abroad, "elsewhere", gone.pid),
        ):
            workers.register(connection, worker_id, kind="test", host=host, process=process)
    for worker_id in (beating, lost, abroad):
        assert len(claim(quiet, worker_id, job.id, 1).calls) == 1
    assert sweep(quiet).orphans == 1
    with quiet.database.transaction() as connection:
        held = {worker for worker, _, _ in slots.held(connection, teacher_of(job))}
    assert held == {beating, abroad}


def test_who_could_not_speak_while_postgres_was_away_has_a_lease_to_do_so(
    quiet: Runtime, job: Job
) -> None:
    alive, dead = new_id(), new_id()
    with quiet.database.transaction() as connection:
        for worker_id in (alive, dead):
            workers.register(connection, worker_id, kind="test", host="elsewhere", process=1)
    for worker_id in (alive, dead):
        assert len(claim(quiet, worker_id, job.id, 1).calls) == 1
    sweep(quiet)
    away_s = 10 * quiet.settings.lease_s
    with quiet.database.transaction() as connection:
        connection.execute(sa.text(_SWEPT_EARLIER), {"age": away_s})
        _beat_earlier(connection, away_s, alive, dead)
        _beat_earlier(connection, 2 * quiet.settings.lease_s, dead)
    assert sweep(quiet).orphans == 1
    with quiet.database.transaction() as connection:
        assert {worker for worker, _, _ in slots.held(connection, teacher_of(job))} == {alive}
        _beat_earlier(connection, 2 * quiet.settings.lease_s, alive)
    assert sweep(quiet).orphans == 1


_SWEPT_EARLIER = "UPDATE sweeps SET ran_at = ran_at - make_interval(secs => :age)"
_BEAT_EARLIER = """
    UPDATE workers SET heartbeat_at = heartbeat_at - make_interval(secs => :age) WHERE id = :id"""


def _beat_earlier(connection: sa.Connection, age_s: float, *worker_ids: UUID) -> None:
    for worker_id in worker_ids:
        connection.execute(sa.text(_BEAT_EARLIER), {"age": age_s, "id": worker_id})
