"""A worker that dies at any step of a batch: the next one goes on, and nothing is paid twice."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.db.engine import Connection, Database
from app.db.ids import new_id
from app.domain.lifecycle import BatchState, JobState
from app.runtime import Runtime
from app.use_cases import jobs
from tests import invariants
from tests.driving import Driver, running_driver, running_runtime
from tests.use_cases.batch_jobs import (
    QUICK,
    all_batches,
    in_state,
    is_paid_once,
    provider_batches,
    step_until,
    submit,
    teaching,
)

MOMENTS = {
    **{
        f"batch {state}": f"SELECT 1 FROM teacher_batches WHERE state = '{state}'"  # noqa: S608
        for state in (
            BatchState.CLAIMED,
            BatchState.UPLOADED,
            BatchState.CREATING,
            BatchState.RUNNING,
            BatchState.COLLECTING,
            BatchState.COLLECTED,
        )
    },
    "first reply stored": "SELECT 1 FROM completions",
}


class Killed(BaseException):
    """The process is gone; nothing catches it."""


class MortalDatabase(Database):
    """Kills the thread that made it at the first transaction that brings a moment about.

    `before` the commit, so that all of the transaction is lost, or right after it.
    """

    def __init__(self, url: str, moment: str, *, before: bool) -> None:
        super().__init__(url)
        self._moment = moment
        self._before = before
        self._victim = threading.get_ident()
        self.killed = False

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with super().transaction() as connection:
            yield connection
            dies = not self.killed and self._victim == threading.get_ident()
            dies = dies and connection.execute(sa.text(self._moment)).first() is not None
            self.killed = self.killed or dies
            if dies and self._before:
                raise Killed
        if dies:
            raise Killed


@pytest.fixture
def runtime(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    with running_runtime(database_url, tmp_path / "home", **QUICK) as runtime:
        yield runtime


@pytest.fixture
def driver(runtime: Runtime) -> Iterator[Driver]:
    with running_driver(runtime) as driver:
        yield driver


@pytest.mark.parametrize("before", [True, False], ids=["before the commit", "after the commit"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_worker_killed_at_a_step_costs_nothing(
    runtime: Runtime, database_url: str, moment: str, before: bool
) -> None:
    with teaching() as teacher:
        job = submit(runtime, teacher, target_rows=3)
        database = MortalDatabase(database_url, MOMENTS[moment], before=before)
        with running_driver(replace(runtime, database=database)) as lost, pytest.raises(Killed):
            lost.finish(job.id)
        database.close()
        with running_driver(runtime) as heir:
            ended = heir.finish(job.id)
        assert (ended.state, ended.reason) == (JobState.SUCCEEDED, "target_reached")
        assert "worker_lost" not in jobs.progress(runtime, job.id).errors
        is_paid_once(runtime, job.id, teacher)


def test_a_step_of_a_living_worker_is_left_to_it_and_of_a_silent_one_is_taken(
    runtime: Runtime, driver: Driver
) -> None:
    with teaching(batch_delay_s=4) as teacher:
        job = submit(runtime, teacher, target_rows=3)
        step_until(driver, job.id, in_state(runtime, job.id, BatchState.RUNNING))
        other = new_id()
        with runtime.database.transaction() as connection:
            connection.execute(
                sa.text(
                    "INSERT INTO workers (id, kind, host, process) "
                    "VALUES (:id, 'generate', 'there', 1)"
                ),
                {"id": other},
            )
            connection.execute(
                sa.text("UPDATE teacher_batches SET worker_id = :id, next_step_at = now()"),
                {"id": other},
            )
        for _ in range(3):
            driver.step(job.id)
        assert all_batches(runtime, job.id)[0].polls == 0
        with runtime.database.transaction() as connection:
            connection.execute(
                sa.text(
                    "UPDATE workers SET heartbeat_at = now() - interval '1 hour' WHERE id = :id"
                ),
                {"id": other},
            )
        assert driver.finish(job.id).state is JobState.SUCCEEDED
        is_paid_once(runtime, job.id, teacher)


class StolenDatabase(MortalDatabase):
    """Gives the batch to another worker right after this one said that it creates it."""

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with Database.transaction(self) as connection:
            yield connection
            dies = not self.killed and self._victim == threading.get_ident()
            if dies and connection.execute(sa.text(self._moment)).first() is not None:
                self.killed = True
                connection.execute(
                    sa.text("UPDATE teacher_batches SET worker_id = :other"), {"other": new_id()}
                )


def test_a_worker_that_lost_its_batch_while_creating_it_cancels_what_it_created(
    runtime: Runtime, database_url: str
) -> None:
    with teaching(batch_delay_s=30) as teacher:
        job = submit(runtime, teacher, target_rows=3)
        database = StolenDatabase(
            database_url, MOMENTS[f"batch {BatchState.CREATING}"], before=False
        )
        with running_driver(replace(runtime, database=database)) as slow:
            slow.step(job.id)
        database.close()
        assert [each.status for each in provider_batches(teacher)] in (
            ["cancelling"],
            ["cancelled"],
        )
        with running_driver(runtime) as heir:
            step_until(heir, job.id, in_state(runtime, job.id, BatchState.COLLECTED))
        assert jobs.get(runtime, job.id).spent_micro_usd == 0
        invariants.check(runtime)
