"""One job of every method, from seeds to rows, against the demo teacher over real HTTP."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from app.domain.stored import Job, RowRecord
from app.errors import InvalidInput
from app.runtime import Runtime
from app.use_cases import jobs, rows, seed_sets
from tests import invariants
from tests.demo_teacher_process import RunningTeacher, start_demo_teacher
from tests.driving import SEEDS, Driver, add_teacher


@pytest.fixture(scope="module")
def teacher() -> Iterator[RunningTeacher]:
    with start_demo_teacher(latency_s=0.0, seed=7) as running:
        yield running


def submit(
    runtime: Runtime,
    teacher: RunningTeacher,
    method: str,
    seeds: bytes,
    *,
    language: str = "en",
    target_rows: int = 20,
    endpoint: str = "chat",
    **options: object,
) -> Job:
    details = seed_sets.SeedSetDetails(name="seeds", licence="CC0-1.0", language=language)
    seed_set = seed_sets.add(runtime, details, [seeds]).seed_set
    record = add_teacher(runtime, teacher.base_url, endpoint=endpoint)
    return jobs.submit(
        runtime,
        jobs.JobDetails(
            seed_set_id=seed_set.id,
            teacher_id=record.id,
            target_rows=target_rows,
            method=method,
            options=options,
        ),
    )


def lines(seeds: Sequence[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(each) + "\n" for each in seeds).encode()


def questions(count: int) -> bytes:
    words = ["rain", "tea", "moss", "iron", "salt", "clay", "wool", "rice", "corn", "silk"]
    return lines([{"instruction": f"What is {words[n % 10]} {n} for?"} for n in range(count)])


def finished(
    runtime: Runtime, driver: Driver, job: Job, reason: str = "target_reached"
) -> Sequence[RowRecord]:
    ended = driver.finish(job.id)
    assert (ended.state, ended.reason) == ("succeeded", reason), jobs.progress(runtime, job.id)
    invariants.check(runtime)
    return rows.page(runtime, job.id, limit=500).items


def steps(runtime: Runtime, job: Job) -> Mapping[str, int]:
    """Calls by step."""
    found: dict[str, int] = {}
    cursor = None
    while True:
        page = jobs.page_calls(runtime, job.id, cursor=cursor, limit=200)
        for each in page.items:
            found[each.step] = found.get(each.step, 0) + 1
        cursor = page.next
        if cursor is None:
            return found


@pytest.mark.parametrize("language", ["en", "zh"])
def test_alpaca_pays_one_call_for_many_whole_tasks(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher, language: str
) -> None:
    seeds = SEEDS.read_bytes()
    if language == "zh":
        seeds = lines(
            [{"instruction": f"写出{n}种茶。", "input": "", "output": "绿茶。"} for n in range(9)]
        )
    job = submit(
        runtime, teacher, "alpaca", seeds, language=language, target_rows=40, machine_share=0.5
    )
    assert job.options["language"] == language
    found = finished(runtime, driver, job)
    assert len(found) >= 40
    assert all(each.output for each in found)
    assert {each.input for each in found} > {""}
    assert set(steps(runtime, job)) == {"propose"}
    assert steps(runtime, job)["propose"] < 20
    lineage = rows.lineage(runtime, found[0].id)
    assert lineage.propose == lineage.answer
    assert lineage.propose is not None
    reply = json.loads(lineage.propose.raw_reply)["choices"][0]["message"]["content"]
    assert found[0].output in reply


def test_alpaca_shows_machine_rows_whole(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    job = submit(runtime, teacher, "alpaca", SEEDS.read_bytes(), target_rows=150, machine_share=1.0)
    found = finished(runtime, driver, job)
    lineages = [rows.lineage(runtime, each.id) for each in found[-10:]]
    kinds = {source["kind"] for each in lineages for source in each.sources}
    assert "machine" in kinds
    shown = next(each for each in lineages if each.sources[0]["kind"] == "machine")
    assert shown.propose is not None
    assert "1. Output:\n" in str(shown.propose.prompt["text"])


def test_alpaca_needs_seeds_with_outputs(runtime: Runtime, teacher: RunningTeacher) -> None:
    with pytest.raises(InvalidInput) as raised:
        submit(runtime, teacher, "alpaca", questions(3))
    (problem,) = raised.value.problems
    assert problem.pointer == "/seed_set_id"
    assert "seeds with outputs" in problem.detail


@pytest.mark.parametrize("language", ["en", "zh"])
def test_instruction_wild_answers_in_a_second_call(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher, language: str
) -> None:
    seeds = questions(12)
    if language == "zh":
        seeds = lines([{"instruction": f"请问第{n}种茶怎么泡？"} for n in range(12)])
    job = submit(runtime, teacher, "instruction_wild", seeds, language=language)
    found = finished(runtime, driver, job)
    assert all(not each.input and each.output for each in found)
    for each in found:
        lineage = rows.lineage(runtime, each.id)
        assert lineage.propose is not None
        assert lineage.answer is not None
        assert lineage.propose.slot_id != lineage.answer.slot_id
        assert lineage.answer.prompt["text"] == each.instruction
    chinese = sum("\u4e00" <= char <= "\u9fff" for each in found for char in each.instruction)
    assert (chinese > 0) is (language == "zh")


def test_answer_takes_every_seed_once_and_ends_when_they_are_used(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    seeds = [f"What is tea {n} for?" for n in range(30)]
    repeated = lines([{"instruction": each} for each in [*seeds, "what  is TEA 3 for?"]])
    job = submit(runtime, teacher, "answer", repeated, target_rows=100, system_prompt="Be brief.")
    found = finished(runtime, driver, job, "sources_exhausted")
    assert sorted(each.instruction for each in found) == sorted(seeds)
    progress = jobs.progress(runtime, job.id)
    assert progress.drops["exact_duplicate"] == 1
    assert steps(runtime, job) == {"answer": 30}
    lineage = rows.lineage(runtime, found[0].id)
    assert lineage.propose is None
    assert lineage.answer is not None
    assert lineage.answer.prompt["system"] == "Be brief."
    assert lineage.sources[0]["kind"] == "seed"


def test_answer_keeps_the_best_of_several(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    job = submit(
        runtime,
        teacher,
        "answer",
        questions(10),
        samples=3,
        keep="best",
        send_seed=True,
        target_rows=10,
    )
    found = finished(runtime, driver, job)
    assert len(found) == 10
    assert steps(runtime, job) == {"answer": 30, "judge": 10}
    assert jobs.progress(runtime, job.id).drops["not_best"] == 20


@pytest.mark.parametrize("order", ["strict", "free"])
def test_rows_without_a_call_keep_every_rule(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher, order: str
) -> None:
    options = {"order": "strict"} if order == "strict" else {"compare_inputs": True}
    job = submit(runtime, teacher, "alpaca", SEEDS.read_bytes(), **options)
    assert len(finished(runtime, driver, job)) >= 20
