"""One job of every method, from seeds to rows, against the demo teacher over real HTTP."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from app.domain.lifecycle import RowState
from app.domain.materials import Material
from app.domain.methods import METHODS
from app.domain.records import SeedKind
from app.domain.stored import Job, RowRecord
from app.errors import InvalidInput
from app.runtime import Runtime
from app.use_cases import estimates, exports, job_prompts, jobs, rows, seed_sets
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
    profile: str = "default",
    prompts: Mapping[str, str] | None = None,
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
            profile=profile,
            options=options,
            prompts=prompts or {},
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


def test_self_instruct_speaks_the_language_of_its_seeds(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    job = submit(
        runtime,
        teacher,
        "self_instruct",
        SEEDS.with_name("general_zh.jsonl").read_bytes(),
        language="zh-CN",
        target_rows=40,
    )
    assert (job.options["language"], job.options["row_language"]) == ("zh", None)
    found = finished(runtime, driver, job)
    assert len(found) >= 40
    assert all(is_chinese(each.instruction) and is_chinese(each.output) for each in found)
    assert {bool(each.input) for each in found} == {True, False}
    assert {each.is_classification for each in found} >= {True, False}
    labels = [each for each in found if each.is_classification and each.input]
    assert labels
    assert all(len(each.output) <= 10 for each in labels)
    drops = jobs.progress(runtime, job.id).drops
    assert not {"no_instances", "wrong_language", "chatter"} & set(drops), drops
    lineage = rows.lineage(runtime, labels[0].id)
    assert lineage.propose is not None
    assert lineage.answer is not None
    versions = [lineage.propose.prompt["version"], lineage.answer.prompt["version"]]
    assert versions == ["self_instruct/propose.zh@1", "self_instruct/answer_output_first.zh@1"]


def is_chinese(text: str) -> bool:
    return any("\u4e00" <= char <= "\u9fff" for char in text)


def test_a_teacher_that_answers_in_another_language_loses_its_rows(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    own = "请回答下面的问题，用中文写一段话：\n{{task}}\n回答："
    job = submit(runtime, teacher, "answer", questions(8), prompts={"answer": own}, target_rows=8)
    assert finished(runtime, driver, job, "sources_exhausted") == []
    progress = jobs.progress(runtime, job.id)
    assert progress.drops == {"wrong_language": 8}
    (rejected, *_) = rows.page(runtime, job.id, state=RowState.REJECTED).items
    assert rejected.reasons == ("wrong_language",)
    off = jobs.submit(
        runtime,
        jobs.JobDetails(
            seed_set_id=job.seed_set_id,
            teacher_id=job.teacher_id,
            target_rows=8,
            method="answer",
            options={"check_language": False},
            prompts={"answer": own},
        ),
    )
    assert len(finished(runtime, driver, off)) == 8


def test_own_prompts_are_sent_and_told_of(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    own = "Tasks for gardeners, please:\n{{tasks}}\n{{next}}."
    given = {"propose": own, "classify.system": "Say Yes or No."}
    seeds = SEEDS.read_bytes()
    job = submit(runtime, teacher, "self_instruct", seeds, prompts=given, target_rows=10)
    assert job.prompts == given
    found = finished(runtime, driver, job)
    lineage = rows.lineage(runtime, found[0].id)
    assert lineage.propose is not None
    versions = job_prompts.prompt_versions(job)
    assert lineage.propose.prompt["version"] == versions["propose"]
    assert str(lineage.propose.prompt["text"]).startswith("Tasks for gardeners, please:\n1. ")
    assert versions["propose"].startswith("self_instruct/propose.en@sha256:")
    told = {each.name: each for each in job_prompts.of_job(runtime, job.id)}
    assert (told["propose"].own, told["propose"].text) == (True, own)
    assert (told["classify.system"].own, told["classify"].own) == (True, False)
    assert told["answer_input_first"].version == "self_instruct/answer_input_first.en@1"
    record = exports.request(runtime, job.id, "alpaca")
    exports.make(runtime, record.id)
    manifest: Any = exports.get(runtime, record.id).manifest
    assert manifest["job"]["prompts"] == dict(versions)


def test_replies_to_other_words_are_not_reused(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    first = submit(runtime, teacher, "answer", questions(5), target_rows=5)
    finished(runtime, driver, first)
    for prompts, reused in (({}, 5), ({"answer": "Be brief. {{task}}"}, 0)):
        details = jobs.JobDetails(
            seed_set_id=first.seed_set_id,
            teacher_id=first.teacher_id,
            target_rows=5,
            method="answer",
            reuse="prefer",
            prompts=prompts,
        )
        job = jobs.submit(runtime, details)
        finished(runtime, driver, job)
        assert jobs.get(runtime, job.id).reused_calls == reused


def test_an_estimate_counts_the_words_of_own_prompts(
    runtime: Runtime, teacher: RunningTeacher
) -> None:
    job = submit(runtime, teacher, "answer", questions(5), target_rows=5)
    details = jobs.JobDetails(
        seed_set_id=job.seed_set_id, teacher_id=job.teacher_id, target_rows=5, method="answer"
    )
    long = replace(details, prompts={"answer": "Think well. " * 500 + "{{task}}"})
    ours, own = (estimates.of_job(runtime, each).estimate for each in (details, long))
    assert own.prompt_tokens.expected > 10 * ours.prompt_tokens.expected
    with pytest.raises(InvalidInput) as raised:
        estimates.of_job(runtime, replace(details, prompts={"answer": "Think well."}))
    assert [each.pointer for each in raised.value.problems] == ["/prompts/answer"]


def test_a_system_message_that_is_never_sent_is_refused(
    runtime: Runtime, teacher: RunningTeacher
) -> None:
    with pytest.raises(InvalidInput) as raised:
        submit(
            runtime,
            teacher,
            "self_instruct",
            SEEDS.read_bytes(),
            prompts={"propose.system": "Go on."},
            guide_chat=False,
        )
    (problem,) = raised.value.problems
    assert (problem.pointer, problem.code) == ("/prompts/propose.system", "conflicting_options")


@pytest.mark.parametrize(
    ("tag", "profile", "expected"),
    [
        ("zh-Hant", "default", ("zh", None)),
        ("de-AT", "default", ("en", "de")),
        ("en-GB", "default", ("en", None)),
        ("zh", "paper", ("en", None)),
        ("tlh", "default", ("en", "tlh")),
    ],
)
def test_the_seed_set_tells_the_language(
    runtime: Runtime,
    teacher: RunningTeacher,
    tag: str,
    profile: str,
    expected: tuple[str, str | None],
) -> None:
    job = submit(
        runtime, teacher, "self_instruct", SEEDS.read_bytes(), language=tag, profile=profile
    )
    assert (job.options["language"], job.options["row_language"]) == expected


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
    assert steps(runtime, job)["propose"] < 40
    lineage = rows.lineage(runtime, found[0].id)
    assert lineage.propose == lineage.answer
    assert lineage.propose is not None
    reply = json.loads(lineage.propose.raw_reply)["choices"][0]["message"]["content"]
    assert found[0].output in reply


def test_alpaca_shows_machine_rows_whole(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    job = submit(
        runtime,
        teacher,
        "alpaca",
        SEEDS.read_bytes(),
        target_rows=60,
        machine_share=1.0,
        order="strict",
        round_size=2,
    )
    found = finished(runtime, driver, job)
    lineages = [rows.lineage(runtime, each.id) for each in found[-20:]]
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
    strict = order == "strict"
    job = submit(
        runtime, teacher, "alpaca", SEEDS.read_bytes(), order=order, compare_inputs=not strict
    )
    assert len(finished(runtime, driver, job)) >= 20


def test_evol_instruct_keeps_who_descends_from_whom(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    job = submit(runtime, teacher, "evol_instruct", SEEDS.read_bytes(), target_rows=40)
    found = finished(runtime, driver, job)
    with runtime.database.transaction() as connection:
        texts = {
            row.id: (row.instruction, row.parent_id, row.facts["round"], row.state)
            for row in connection.execute(
                sa.text("SELECT id, instruction, parent_id, facts, state FROM candidates")
            )
        }
    rounds = {each[2] for each in texts.values()}
    assert rounds == {"1", "2", "3", "4"}
    parents = [texts[each[1]] for each in texts.values() if each[1]]
    assert parents
    assert all(each[3] != "rejected" for each in parents)
    children = [texts[each.candidate_id] for each in found if texts[each.candidate_id][1]]
    assert all(int(texts[child[1]][2]) < int(child[2]) for child in children)
    lineage = rows.lineage(runtime, found[0].id)
    assert lineage.sources[0]["kind"] == "seed"
    assert found[0].facts is not None
    assert set(found[0].facts) == {"operation", "round"}
    assert {"evolve", "judge", "answer"} == set(steps(runtime, job))
    assert set(jobs.progress(runtime, job.id).drops) & {"equal_to_parent", "unchanged"}


@pytest.mark.parametrize("form", ["transcript", "turns"])
def test_self_chat_makes_dialogues_that_export_whole(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher, form: str
) -> None:
    job = submit(runtime, teacher, "self_chat", questions(15), target_rows=10, form=form)
    found = finished(runtime, driver, job)
    assert any(len(each.messages or ()) > 2 for each in found)
    for each in found:
        assert each.messages
        assert [said["role"] for said in each.messages] == (
            ["user", "assistant"] * (len(each.messages) // 2)
        )
        assert each.messages[0]["content"] == each.instruction
        assert each.output == each.messages[1]["content"]
    for name in ("chat_messages", "sharegpt", "baize"):
        record = exports.request(runtime, job.id, name)
        exports.make(runtime, record.id)
        _, path = exports.file(runtime, record.id)
        whole = path.read_text()
        listed = name == "baize"
        written = json.loads(whole) if listed else list(map(json.loads, whole.split("\n")[:-1]))
        assert len(written) == 10
        last = [each["content"] for each in found[0].messages or ()][-1]
        assert json.dumps(last, ensure_ascii=False)[1:-1] in json.dumps(
            written[0], ensure_ascii=False
        )
    if form == "turns":
        calls = steps(runtime, job)
        assert calls["chat_turn"] > calls["user_turn"] > 0


def test_magpie_needs_a_raw_endpoint_and_gets_other_instructions_each_time(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    with pytest.raises(InvalidInput) as raised:
        submit(runtime, teacher, "magpie", questions(3))
    assert [each.pointer for each in raised.value.problems] == ["/teacher_id"]
    assert "completions" in raised.value.problems[0].detail
    record = add_teacher(runtime, teacher.base_url, name="raw", endpoint="completions")
    seed_set = seed_sets.page(runtime).items[0]
    job = jobs.submit(
        runtime,
        jobs.JobDetails(
            seed_set_id=seed_set.id, teacher_id=record.id, target_rows=20, method="magpie"
        ),
    )
    found = finished(runtime, driver, job)
    assert len({each.instruction for each in found}) == len(found) >= 20
    lineage = rows.lineage(runtime, found[0].id)
    assert lineage.propose is not None
    assert str(lineage.propose.prompt["text"]).endswith("<|im_start|>user\n")
    assert lineage.sources == []


def test_multimodal_text_keeps_the_image(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    images = [
        {"image": f"street/{n}.jpg", "captions": [f"A dog waits at door {n} in the rain."]}
        for n in range(6)
    ]
    job = submit(runtime, teacher, "multimodal_text", lines(images), target_rows=50)
    found = finished(runtime, driver, job, "sources_exhausted")
    kinds = [(each.facts or {})["kind"] for each in found]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "conversation": 6,
        "description": 6,
        "reasoning": 6,
    }
    assert {(each.facts or {})["image"] for each in found} == {each["image"] for each in images}
    record = exports.request(runtime, job.id, "image_conversations")
    exports.make(runtime, record.id)
    _, path = exports.file(runtime, record.id)
    written = [json.loads(line) for line in path.read_text().splitlines()]
    assert all(each["conversations"][0]["value"].startswith("<image>\n") for each in written)
    assert all(each["image"].startswith("street/") for each in written)


def test_multimodal_text_needs_images(runtime: Runtime, teacher: RunningTeacher) -> None:
    with pytest.raises(InvalidInput) as raised:
        submit(runtime, teacher, "multimodal_text", questions(3))
    assert "name an image" in raised.value.problems[0].detail


OF_SEEDS = [name for name, each in METHODS.items() if each.DRAWS_FROM == Material.SEEDS]


@pytest.mark.parametrize("method", [m for m in OF_SEEDS if METHODS[m].TAKES == SeedKind.TASKS])
def test_every_method_can_be_estimated(
    runtime: Runtime, teacher: RunningTeacher, method: str
) -> None:
    images = [{"image": f"{n}.jpg", "captions": [f"Dog {n} at a door."]} for n in range(4)]
    seeds = lines(images) if method == "multimodal_text" else SEEDS.read_bytes()
    endpoint = METHODS[method].ENDPOINT or "chat"
    job = submit(runtime, teacher, method, seeds, endpoint=endpoint)
    details = jobs.JobDetails(
        seed_set_id=job.seed_set_id, teacher_id=job.teacher_id, target_rows=20, method=method
    )
    found = estimates.of_job(runtime, details).estimate
    assert found.calls.expected > 0, found
    assert found.micro_usd is not None
    assert found.micro_usd.expected > 0
