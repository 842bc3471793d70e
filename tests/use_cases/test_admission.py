"""Admission: exact against the whole pool, serially per pool, whoever asks and however often."""

import threading

import pytest
import sqlalchemy as sa

from app.db import pools
from app.db.ids import new_id
from app.domain.lifecycle import CandidateState
from app.domain.stored import Job
from app.errors import Unavailable
from app.runtime import Runtime
from app.use_cases import admission
from app.use_cases.admission import PoolIndexes, admit
from tests import invariants
from tests.use_cases.proposing import fates, make_job, propose


@pytest.fixture
def job(runtime: Runtime) -> Job:
    return make_job(runtime)


def test_each_candidate_is_judged_against_all_before_it(runtime: Runtime, job: Job) -> None:
    texts = [
        "alpha beta gamma delta epsilon zeta eta theta iota kappa",
        "alpha beta gamma delta epsilon zeta eta one two three",
        "alpha beta gamma delta epsilon zeta eta theta one two",
        "ALPHA beta  gamma delta epsilon zeta eta theta iota kappa",
    ]
    propose(runtime, job, texts)
    assert admit(runtime, PoolIndexes(memory_bytes=1 << 30), job.pool_id) == 4
    found = fates(runtime, job.id)
    assert found[texts[0]][0] == CandidateState.NOVEL
    # Exactly 0.7 is kept, as published; 0.8 is not.
    assert found[texts[1]][0] == CandidateState.NOVEL
    assert found[texts[1]][2] == 0.7
    assert found[texts[2]][:2] == (CandidateState.DUPLICATE, ("rouge_l",))
    assert found[texts[3]][:2] == (CandidateState.DUPLICATE, ("exact_duplicate",))
    invariants.check(runtime)


def test_seeds_are_part_of_the_pool(runtime: Runtime, job: Job) -> None:
    with runtime.database.transaction() as connection:
        seed = pools.texts_after(connection, job.pool_id, 0, limit=1)[0][1]
    propose(runtime, job, [seed.upper()])
    admit(runtime, PoolIndexes(memory_bytes=1 << 30), job.pool_id)
    assert fates(runtime, job.id)[seed.upper()][1] == ("exact_duplicate",)


def test_without_the_exact_rule_rouge_decides(runtime: Runtime) -> None:
    job = make_job(runtime, exact_duplicates=False, threshold=1.0)
    propose(runtime, job, ["one two three four", "one two three four"])
    admit(runtime, PoolIndexes(memory_bytes=1 << 30), job.pool_id)
    assert {state for state, _, _ in fates(runtime, job.id).values()} == {CandidateState.NOVEL}


def test_many_admitters_at_once_leave_no_pair_too_alike(runtime: Runtime, job: Job) -> None:
    for number in range(30):
        words = [f"w{number % 7}", "the", "same", "old", "words", "again", "and", f"x{number % 5}"]
        propose(runtime, job, [" ".join(words), " ".join([*words, f"y{number}"])], number=number)
    indexes = [PoolIndexes(memory_bytes=1 << 30) for _ in range(4)]
    threads = [
        threading.Thread(target=admit, args=(runtime, index, job.pool_id)) for index in indexes
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not any(state == "proposed" for state, _, _ in fates(runtime, job.id).values())
    invariants.check(runtime)


def test_a_rolled_back_batch_is_forgotten_and_judged_again(
    runtime: Runtime, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    propose(runtime, job, ["a text that nobody has written before in this pool"])
    indexes = PoolIndexes(memory_bytes=1 << 30)

    def away(*_: object) -> None:
        raise Unavailable("the connection broke before the commit")

    monkeypatch.setattr(admission.pools, "append", away)
    with pytest.raises(Unavailable):
        admit(runtime, indexes, job.pool_id)
    monkeypatch.undo()
    assert admit(runtime, indexes, job.pool_id) == 1
    assert {state for state, _, _ in fates(runtime, job.id).values()} == {CandidateState.NOVEL}
    invariants.check(runtime)


def test_under_strict_order_a_round_is_admitted_only_when_it_is_whole(runtime: Runtime) -> None:
    job = make_job(runtime, order="strict")
    propose(runtime, job, ["a first text of the round that is quite alone here"], number=1)
    with runtime.database.transaction() as connection:
        connection.execute(sa.text("UPDATE conversations SET state = 'open'"))
    indexes = PoolIndexes(memory_bytes=1 << 30)
    assert admit(runtime, indexes, job.pool_id) == 0
    with runtime.database.transaction() as connection:
        connection.execute(sa.text("UPDATE conversations SET state = 'done'"))
    assert admit(runtime, indexes, job.pool_id) == 1


def test_pools_over_the_memory_budget_leave_and_come_back(runtime: Runtime) -> None:
    made = [make_job(runtime) for _ in range(3)]
    indexes = PoolIndexes(memory_bytes=1)
    for number in range(2):
        for job in made:
            propose(
                runtime, job, [f"text {number} that only this pool has got so far"], number=number
            )
            assert admit(runtime, indexes, job.pool_id) == 1
    invariants.check(runtime)


def test_a_pool_that_left_with_its_job_is_no_error(runtime: Runtime) -> None:
    assert admit(runtime, PoolIndexes(memory_bytes=1 << 30), new_id()) == 0
