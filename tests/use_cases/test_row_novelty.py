"""Rows compared with their inputs: exact, whoever reads the replies, and each drop named."""

import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.db import pools
from app.db.counts import Tally
from app.db.ids import new_id
from app.domain.lifecycle import JobState, RowState
from app.errors import InvalidInput, Unavailable
from app.runtime import Runtime
from app.use_cases import jobs, row_novelty, rows
from app.use_cases.pool_indexes import PoolIndexes
from app.use_cases.row_novelty import row_rule
from tests import invariants
from tests.demo_teacher_process import start_demo_teacher
from tests.driving import Driver, add_seeds, add_teacher, running_driver
from tests.use_cases.proposing import make_job


def row(instruction: str, input_text: str = "") -> dict[str, Any]:
    return {
        "id": new_id(),
        "instruction": instruction,
        "input": input_text,
        "state": RowState.ACCEPTED,
        "reasons": [],
        "nearest_row_id": None,
        "nearest_score": None,
    }


def judge(runtime: Runtime, job: Any, indexes: PoolIndexes, given: list[dict[str, Any]]) -> Tally:
    tally = Tally()
    with (
        row_rule(runtime, job, indexes) as rule,
        runtime.database.transaction() as connection,
    ):
        rule.judge(connection, given, tally)
    return tally


def new_indexes() -> PoolIndexes:
    return PoolIndexes(memory_bytes=1 << 30)


def test_a_row_is_compared_as_instruction_and_input(runtime: Runtime) -> None:
    job = make_job(runtime, compare_inputs=True)
    text = "a b c d e f g h i j"
    given = [
        row("sort these words", "one two three four five six"),
        row("sort these words", "seven eight nine ten eleven"),
        row("one two three", "four five six sort these words"),
        row("sort these words", "one two three four five six"),
        row(text),
        row("a b c d e f g", "x y z"),
        row("a b c d e f g h", "x y"),
    ]
    tally = judge(runtime, job, new_indexes(), given)
    accepted = RowState.ACCEPTED
    assert [each["state"] is accepted for each in given] == [
        True,
        True,
        True,
        False,
        True,
        True,
        False,
    ]
    dropped = given[3]
    assert dropped["reasons"] == ["rouge_l_with_input"]
    assert (dropped["nearest_row_id"], dropped["nearest_score"]) == (given[0]["id"], 1.0)
    assert given[6]["nearest_score"] > 0.7
    assert tally["drop", "rouge_l_with_input"] == 2
    again = [row("sort these words", "one two three four five six")]
    judge(runtime, job, new_indexes(), again)
    assert again[0]["nearest_row_id"] == given[0]["id"]


def test_rows_that_a_filter_rejected_neither_pass_nor_count(runtime: Runtime) -> None:
    job = make_job(runtime, compare_inputs=True)
    rejected = row("a b c d e")
    rejected |= {"state": RowState.REJECTED, "reasons": ["empty_output"]}
    given = [rejected, row("a b c d e")]
    judge(runtime, job, new_indexes(), given)
    assert given[0]["reasons"] == ["empty_output"]
    assert given[1]["state"] is RowState.ACCEPTED


def test_off_by_default(runtime: Runtime) -> None:
    job = make_job(runtime)
    assert job.row_pool_id is None
    given = [row("a b c d e"), row("a b c d e")]
    assert not judge(runtime, job, new_indexes(), given)


def test_many_readers_at_once_let_no_two_alike_in(runtime: Runtime) -> None:
    job = make_job(runtime, compare_inputs=True)
    given = [[row("the same words as all", f"but {n % 4} and {n % 3}")] for n in range(24)]
    threads = [
        threading.Thread(target=lambda mine=mine: [judge(runtime, job, new_indexes(), mine)])
        for mine in given
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert job.row_pool_id is not None
    with runtime.database.transaction() as connection:
        kept = pools.texts_after(connection, job.row_pool_id, 0, limit=100)
    assert len(kept) == sum(each[0]["state"] is RowState.ACCEPTED for each in given) > 0
    invariants.check_novelty(runtime)


def test_a_rolled_back_row_is_forgotten(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    job = make_job(runtime, compare_inputs=True)
    indexes = new_indexes()

    def away(*_: object, **__: object) -> None:
        raise Unavailable("the connection broke before the commit")

    monkeypatch.setattr(row_novelty.pools, "append", away)
    with pytest.raises(Unavailable):
        judge(runtime, job, indexes, [row("a b c d e")])
    monkeypatch.undo()
    given = [row("a b c d e")]
    judge(runtime, job, indexes, given)
    assert given[0]["state"] is RowState.ACCEPTED


def test_not_together_with_strict_order(runtime: Runtime) -> None:
    with pytest.raises(InvalidInput) as caught:
        make_job(runtime, compare_inputs=True, order="strict")
    assert [each.pointer for each in caught.value.problems] == ["/options/compare_inputs"]


def test_a_whole_job_with_two_workers(runtime: Runtime, driver: Driver, tmp_path: Path) -> None:
    with start_demo_teacher(latency_s=0.01, seed=7) as teacher, running_driver(runtime) as second:
        details = jobs.JobDetails(
            seed_set_id=add_seeds(runtime),
            teacher_id=add_teacher(runtime, teacher.base_url).id,
            target_rows=60,
            options={"compare_inputs": True, "threshold": 0.5},
        )
        job = jobs.submit(runtime, details)
        helper = threading.Thread(target=lambda: [second.step(job.id) for _ in range(3)])
        helper.start()
        ended = driver.finish(job.id)
        helper.join()
    assert (ended.state, ended.reason) == (JobState.SUCCEEDED, "target_reached")
    drops = jobs.progress(runtime, job.id).drops
    assert drops["rouge_l_with_input"] > 0, drops
    invariants.check(runtime)
    named = [
        each
        for each in rows.page(runtime, job.id, state=RowState.REJECTED, limit=500).items
        if each.reasons == ("rouge_l_with_input",)
    ]
    assert len(named) == drops["rouge_l_with_input"]
    assert all(each.nearest_score and each.nearest_score > 0.5 for each in named)
    jobs.delete(runtime, job.id)
    with runtime.database.transaction() as connection:
        assert not connection.execute(sa.text("SELECT id FROM pools")).fetchall()
