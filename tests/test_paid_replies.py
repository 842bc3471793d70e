"""The checks on what was paid see it when a row is lost, made up, or a bill does not fit."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

from app.runtime import Runtime
from app.use_cases import jobs
from tests import invariants
from tests.demo_teacher_process import start_demo_teacher
from tests.driving import add_seeds, add_teacher, running_driver, running_runtime
from tests.faults.bill import Bill, read_bill
from tests.paid_replies import check_bill, check_readings


@pytest.fixture
def runtime(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    with running_runtime(database_url, tmp_path / "home") as runtime:
        yield runtime


def finished(runtime: Runtime, log: Path) -> tuple[UUID, Bill]:
    """A small job that has run to its end, and its teacher's bill."""
    with (
        start_demo_teacher(latency_s=0.01, seed=7, log=log) as teacher,
        running_driver(runtime) as driver,
    ):
        record = add_teacher(runtime, teacher.base_url)
        details = jobs.JobDetails(add_seeds(runtime), record.id, 10)
        job_id = jobs.submit(runtime, details).id
        driver.finish(job_id)
    return job_id, read_bill(log)


def tamper(runtime: Runtime, statement: str) -> None:
    with runtime.database.transaction() as connection:
        assert connection.execute(sa.text(statement)).rowcount > 0


def test_what_is_sound_passes_and_what_is_not_does_not(runtime: Runtime, tmp_path: Path) -> None:
    job_id, bill = finished(runtime, tmp_path / "arrivals.jsonl")
    invariants.check(runtime)
    arrived = {(each.slot, each.attempt): each.paid for each in bill.arrivals}
    assert bill.sent_twice() == []
    assert bill.paid == len(arrived) > 10
    check_bill(runtime, str(job_id), arrived)
    with pytest.raises(AssertionError):
        check_bill(runtime, str(job_id), {**arrived, (str(job_id), 1): True})
    tamper(runtime, "UPDATE ledger SET spent_delta = 0 WHERE entry = 'settle_answered'")
    with pytest.raises(AssertionError):
        check_bill(runtime, str(job_id), arrived)
    tamper(runtime, "UPDATE rows SET output = output || '.' WHERE position = 0")
    with pytest.raises(AssertionError):
        check_readings(runtime)


def test_a_lost_candidate_is_missed(runtime: Runtime, tmp_path: Path) -> None:
    finished(runtime, tmp_path / "arrivals.jsonl")
    tamper(runtime, "DELETE FROM candidates WHERE state <> 'novel' AND position > 0")
    with pytest.raises(AssertionError):
        check_readings(runtime)


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("reserved once", "UPDATE ledger SET attempt = 9 WHERE entry <> 'reserve'"),
        ("written down", "DELETE FROM job_events WHERE to_state = 'succeeded'"),
    ],
)
def test_each_rule_on_history_can_fail(
    runtime: Runtime, tmp_path: Path, name: str, statement: str
) -> None:
    finished(runtime, tmp_path / "arrivals.jsonl")
    tamper(runtime, statement)
    with pytest.raises(AssertionError, match=name):
        invariants.check(runtime)
