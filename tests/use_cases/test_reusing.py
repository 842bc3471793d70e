"""Replies that an earlier job paid for: taken again on request, counted, and never twice."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from app.db.ids import new_id
from app.domain.lifecycle import Delivery, JobState
from app.domain.stored import Job
from app.errors import InvalidInput
from app.runtime import Runtime
from app.use_cases import batches, exports, jobs, replies, rows, teachers
from tests import invariants
from tests.demo_teacher_process import RunningTeacher, start_demo_teacher
from tests.driving import Driver, add_seeds, add_teacher, running_driver

STRICT = {"order": "strict"}


@pytest.fixture(scope="module")
def teacher() -> Iterator[RunningTeacher]:
    with start_demo_teacher(latency_s=0.0, seed=7) as running:
        yield running


def run(runtime: Runtime, driver: Driver, teacher_id: UUID, **details: Any) -> Job:
    values = {"target_rows": 10, "options": STRICT, **details}
    seed_set_id = add_seeds(runtime)
    job = jobs.submit(
        runtime, jobs.JobDetails(seed_set_id=seed_set_id, teacher_id=teacher_id, **values)
    )
    ended = driver.finish(job.id)
    assert ended.state is JobState.SUCCEEDED, ended
    return ended


def texts(runtime: Runtime, job_id: UUID) -> list[tuple[str, str, str]]:
    found = rows.page(runtime, job_id, limit=500).items
    return [(each.instruction, each.input, each.output) for each in found]


def query(runtime: Runtime, text: str, **values: object) -> list[Any]:
    with runtime.database.transaction() as connection:
        result = connection.execute(sa.text(text), values)
        return list(result.fetchall()) if result.returns_rows else []


def sent(teacher: RunningTeacher) -> int:
    calls = teacher.stats()["calls"]
    return sum(calls.values()) if isinstance(calls, dict) else int(calls)


def test_a_repeated_job_makes_no_calls_and_the_same_rows(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    record = add_teacher(runtime, teacher.base_url)
    first = run(runtime, driver, record.id)
    before = sent(teacher)
    # Neither calls nor money are needed: one call and no money are the caps.
    again = run(runtime, driver, record.id, reuse="prefer", cap_micro_usd=0, cap_calls=1)
    assert sent(teacher) == before
    assert (again.calls, again.spent_micro_usd) == (0, 0)
    assert (again.reused_calls, again.saved_micro_usd) == (first.calls, first.spent_micro_usd)
    assert texts(runtime, again.id) == texts(runtime, first.id)
    assert jobs.progress(runtime, again.id).micro_usd_per_accepted_row == 0
    invariants.check(runtime)


def test_a_batch_job_buys_nothing_that_is_stored(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    free = {"batch_input_micro_usd_per_million": 0, "batch_output_micro_usd_per_million": 0}
    record = add_teacher(runtime, teacher.base_url, **free)
    first = run(runtime, driver, record.id)
    before = sent(teacher)
    again = run(runtime, driver, record.id, reuse="prefer", delivery=Delivery.BATCH)
    assert sent(teacher) == before
    assert (again.calls, again.reused_calls) == (0, first.calls)
    assert texts(runtime, again.id) == texts(runtime, first.id)
    assert not batches.page(runtime, again.id).items
    invariants.check(runtime)


def test_without_being_asked_every_call_is_paid(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    record = add_teacher(runtime, teacher.base_url)
    first = run(runtime, driver, record.id)
    again = run(runtime, driver, record.id)
    assert again.reused_calls == again.saved_micro_usd == 0
    assert again.calls > 0 < again.spent_micro_usd
    assert first.reuse == again.reuse == "never"


@pytest.mark.parametrize(
    "options",
    [
        {"propose_temperature": 0.5},
        {"propose_stop": ["\n\n\n\n"]},
        {"propose_max_tokens": 900},
        {"guide_chat": False},  # the system prompt
    ],
    ids=lambda options: next(iter(options)),
)
def test_another_prompt_or_decoding_is_paid_for(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher, options: Mapping[str, object]
) -> None:
    record = add_teacher(runtime, teacher.base_url)
    run(runtime, driver, record.id, target_rows=3)
    other = run(
        runtime, driver, record.id, target_rows=3, reuse="prefer", options={**STRICT, **options}
    )
    proposed = query(
        runtime,
        "SELECT count(*), count(reused_from_slot_id) FROM completions JOIN slots "
        "ON slots.id = slot_id WHERE completions.job_id = :job AND step = 'propose'",
        job=other.id,
    )
    assert proposed[0][0] > 0 == proposed[0][1]


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "demo-two"},
        {"extra_body": {"logit_bias": {"50256": -100}}},
        {"endpoint": "completions"},
        {"simulated": False},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_another_model_or_way_of_asking_is_paid_for(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher, changes: Mapping[str, object]
) -> None:
    record = add_teacher(runtime, teacher.base_url)
    run(runtime, driver, record.id, target_rows=3)
    other = add_teacher(runtime, teacher.base_url, name="other", **changes)
    paid = run(runtime, driver, other.id, target_rows=3, reuse="prefer")
    assert paid.reused_calls == 0 < paid.calls


def test_a_model_of_the_same_name_elsewhere_is_another_model(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    record = add_teacher(runtime, teacher.base_url)
    run(runtime, driver, record.id, target_rows=3)
    with start_demo_teacher(latency_s=0.0, seed=7) as elsewhere:
        moved = add_teacher(runtime, elsewhere.base_url, name="moved", model=record.model)
        paid = run(runtime, driver, moved.id, target_rows=3, reuse="prefer")
        assert paid.reused_calls == 0 < paid.calls == sent(elsewhere)
        # A teacher that is changed since is what it is now, not what it was.
        teachers.change(runtime, moved.id, {"base_url": teacher.base_url})
        free = run(runtime, driver, moved.id, target_rows=3, reuse="prefer")
    assert free.calls == 0 < free.reused_calls


def test_names_and_prices_do_not_make_another_teacher(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    record = add_teacher(runtime, teacher.base_url)
    first = run(runtime, driver, record.id, target_rows=3)
    same = add_teacher(
        runtime, teacher.base_url, name="same", input_micro_usd_per_million=9, timeout_s=5.0
    )
    again = run(runtime, driver, same.id, target_rows=3, reuse="prefer")
    assert again.calls == 0
    assert again.saved_micro_usd == first.spent_micro_usd, "what was paid then"


def test_more_rows_buy_only_what_is_missing(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    record = add_teacher(runtime, teacher.base_url)
    first = run(runtime, driver, record.id, target_rows=5)
    more = run(runtime, driver, record.id, target_rows=30, reuse="prefer")
    assert more.reused_calls > 0 < more.calls
    found = texts(runtime, first.id)
    assert texts(runtime, more.id)[: len(found)] == found
    third = run(runtime, driver, record.id, target_rows=30, reuse="prefer")
    assert third.calls == 0
    assert third.reused_calls == more.reused_calls + more.calls
    assert third.saved_micro_usd == more.saved_micro_usd + more.spent_micro_usd
    assert texts(runtime, third.id) == texts(runtime, more.id)
    invariants.check(runtime)


# Equal prompts within one job


@pytest.fixture
def one_seed(tmp_path: Path) -> Path:
    """A single seed and nothing machine-made shown: every proposing prompt is the same."""
    path = tmp_path / "one.jsonl"
    path.write_text(json.dumps({"instruction": "Name three trees that grow in a park."}) + "\n")
    return path


def samples(
    runtime: Runtime, driver: Driver, teacher_id: UUID, seeds: Path, calls: int, **details: Any
) -> tuple[Job, list[str]]:
    """A job of so many equal prompts; what its teacher said to each, in order."""
    options = {"order": "strict", "round_size": calls, "machine_instructions": 0}
    job = jobs.submit(
        runtime,
        jobs.JobDetails(
            seed_set_id=add_seeds(runtime, seeds),
            teacher_id=teacher_id,
            target_rows=1,
            options=options,
            **details,
        ),
    )
    ended = driver.finish(job.id)
    lines = replies.of_job(runtime, job.id, replies.Step.PROPOSE)
    return ended, [str(line["reply"]) for line in lines]


def test_equal_prompts_of_a_job_are_different_samples(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher, one_seed: Path
) -> None:
    record = add_teacher(runtime, teacher.base_url)
    first, said = samples(runtime, driver, record.id, one_seed, 3)
    assert len(said) == 3
    digests = query(
        runtime,
        "SELECT count(DISTINCT digest) FROM slots WHERE job_id = :job AND step = 'propose'",
        job=first.id,
    )
    assert digests == [(1,)]
    same, said_again = samples(runtime, driver, record.id, one_seed, 3, reuse="prefer")
    assert (said_again, same.calls) == (said, 0)
    more, said_more = samples(runtime, driver, record.id, one_seed, 5, reuse="prefer")
    assert said_more[:3] == said
    assert _bought(runtime, more.id) == 2
    fewer, said_fewer = samples(runtime, driver, record.id, one_seed, 2, reuse="prefer")
    assert (said_fewer, fewer.calls) == (said[:2], 0)
    _, said_last = samples(runtime, driver, record.id, one_seed, 5, reuse="prefer")
    assert said_last == said_more
    invariants.check(runtime)


def _bought(runtime: Runtime, job_id: UUID) -> int:
    return query(
        runtime,
        "SELECT count(*) FROM completions JOIN slots ON slots.id = slot_id WHERE step = 'propose' "
        "AND completions.job_id = :job AND reused_from_slot_id IS NULL",
        job=job_id,
    )[0][0]


# What is not reused


def test_refused_and_unreadable_replies_are_asked_for_again(
    runtime: Runtime, driver: Driver
) -> None:
    with start_demo_teacher(
        latency_s=0.0, seed=7, faults={"refuse": 0.2, "null_content": 0.2}
    ) as bad:
        record = add_teacher(runtime, bad.base_url)
        first = run(runtime, driver, record.id, target_rows=10)
        unusable = query(
            runtime,
            "SELECT count(*) FROM slots WHERE job_id = :job AND reason IN ('refused', :null)",
            job=first.id,
            null="null_content",
        )[0][0]
        again = run(runtime, driver, record.id, target_rows=10, reuse="prefer")
    assert unusable > 0
    reused = query(
        runtime,
        "SELECT DISTINCT bought.outcome, buyers.state, buyers.reason FROM completions "
        "JOIN completions AS bought ON bought.slot_id = completions.reused_from_slot_id "
        "AND bought.attempt = completions.reused_from_attempt "
        "JOIN slots AS buyers ON buyers.id = bought.slot_id WHERE completions.job_id = :job",
        job=again.id,
    )
    assert {outcome for outcome, _, _ in reused} == {"answered"}
    assert {reason for _, _, reason in reused} <= {None, "no_items"}
    invariants.check(runtime)


def test_a_reply_cut_off_by_its_length_is_the_reply_to_that_length(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    record = add_teacher(runtime, teacher.base_url)
    options = {**STRICT, "propose_max_tokens": 60}
    first = run(runtime, driver, record.id, target_rows=3, options=options)
    lines = list(replies.of_job(runtime, first.id, replies.Step.PROPOSE))
    assert "length" in {line["finish_reason"] for line in lines}
    again = run(runtime, driver, record.id, target_rows=3, options=options, reuse="prefer")
    assert again.calls == 0
    assert list(replies.of_job(runtime, again.id, replies.Step.PROPOSE)) == lines


# Provenance, deletion, refusals


def test_reused_rows_walk_back_to_who_paid(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    record = add_teacher(runtime, teacher.base_url)
    first = run(runtime, driver, record.id, target_rows=3)
    again = run(runtime, driver, record.id, target_rows=3, reuse="prefer")
    lineage = rows.lineage(runtime, rows.page(runtime, again.id).items[0].id)
    origin = rows.lineage(runtime, rows.page(runtime, first.id).items[0].id)
    assert lineage.answer is not None
    assert origin.answer is not None
    assert lineage.propose is not None
    assert origin.propose is not None
    assert lineage.answer.raw_reply == origin.answer.raw_reply
    assert lineage.answer.reused_from_job_id == first.id
    assert lineage.answer.reused_from_slot_id == origin.answer.slot_id
    assert lineage.propose.reused_from_slot_id == origin.propose.slot_id
    assert origin.answer.reused_from_job_id is None
    call = jobs.page_calls(runtime, again.id).items[0]
    assert (call.cost_micro_usd, call.reused_from_job_id) == (0, first.id)
    assert call.saved_micro_usd
    assert rows.page(runtime, again.id).items[0].simulated, "a script's words stay a script's"


def test_an_export_says_how_many_rows_rest_on_reused_replies(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    record = add_teacher(runtime, teacher.base_url)
    first = run(runtime, driver, record.id, target_rows=4)
    more = run(runtime, driver, record.id, target_rows=60, reuse="prefer")
    export_id = exports.request(runtime, more.id, "alpaca_jsonl").id
    exports.make(runtime, export_id)
    manifest = exports.get(runtime, export_id).manifest
    assert manifest
    said: Any = manifest["reused"]
    assert 4 <= said["rows"] < 60
    assert said["calls"] == more.reused_calls
    assert said["saved_micro_usd"] == more.saved_micro_usd
    assert said["calls_by_job"] == {str(first.id): more.reused_calls}
    assert f"{said['rows']} rows rest on replies" in exports.card(runtime, export_id)
    own = exports.request(runtime, first.id, "alpaca_jsonl").id
    exports.make(runtime, own)
    assert "rest on replies" not in exports.card(runtime, own)


def test_what_was_reused_outlives_the_job_that_bought_it(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    record = add_teacher(runtime, teacher.base_url)
    first = run(runtime, driver, record.id, target_rows=3)
    again = run(runtime, driver, record.id, target_rows=3, reuse="prefer")
    found = texts(runtime, again.id)
    jobs.delete(runtime, first.id)
    lineage = rows.lineage(runtime, rows.page(runtime, again.id).items[0].id)
    assert lineage.answer is not None
    assert lineage.answer.raw_reply
    assert lineage.answer.reused_from_job_id == first.id
    third = run(runtime, driver, record.id, target_rows=3, reuse="prefer")
    assert (third.calls, third.saved_micro_usd) == (0, first.spent_micro_usd)
    assert texts(runtime, third.id) == found
    for job in (again, third):
        jobs.delete(runtime, job.id)
    paid = run(runtime, driver, record.id, target_rows=3, reuse="prefer")
    assert paid.reused_calls == 0 < paid.calls, "nothing is left of them"
    invariants.check(runtime)


def test_a_job_does_not_take_its_own_reply_twice_by_way_of_another(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher, one_seed: Path
) -> None:
    record = add_teacher(runtime, teacher.base_url)
    first, said = samples(runtime, driver, record.id, one_seed, 2, reuse="prefer")
    samples(runtime, driver, record.id, one_seed, 2, reuse="prefer")
    options = query(runtime, "SELECT state FROM jobs WHERE id = :id", id=first.id)
    assert options == [("succeeded",)]
    jobs.change(runtime, first.id, jobs.JobChanges(target_rows=60))
    jobs.retry(runtime, first.id, only_failed=False)
    driver.finish(first.id)
    lines = [str(line["reply"]) for line in replies.of_job(runtime, first.id, replies.Step.PROPOSE)]
    assert lines[:2] == said
    assert len(lines) > 2
    assert not query(
        runtime,
        "SELECT 1 FROM completions WHERE job_id = :job AND reused_from_job_id = :job",
        job=first.id,
    )
    invariants.check(runtime)


def test_two_workers_give_a_stored_reply_to_one_slot(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    record = add_teacher(runtime, teacher.base_url)
    first = run(runtime, driver, record.id, target_rows=30)
    job = jobs.submit(
        runtime,
        jobs.JobDetails(add_seeds(runtime), record.id, 30, options=STRICT, reuse="prefer"),
    )
    with running_driver(runtime) as other:
        ended = job
        while ended.state is not JobState.SUCCEEDED:
            other.step(job.id)
            ended = driver.step(job.id)
    assert (ended.calls, ended.reused_calls) == (0, first.calls)
    invariants.check(runtime)


def test_reuse_is_one_of_two_words(runtime: Runtime) -> None:
    with pytest.raises(InvalidInput) as caught:
        jobs.submit(runtime, jobs.JobDetails(new_id(), new_id(), 1, reuse="always"))
    assert "/reuse" in [problem.pointer for problem in caught.value.problems]
