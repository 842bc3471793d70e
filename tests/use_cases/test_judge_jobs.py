"""Jobs that judge the rows of other jobs: scores, samples, budget, rewards, and what is refused."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from app.db import tables
from app.domain.materials import JobSource
from app.domain.stored import Job, TeacherRecord
from app.errors import InvalidInput
from app.runtime import Runtime
from app.use_cases import estimates, exports, jobs, reports, rows
from app.use_cases.jobs import JobDetails
from tests import invariants
from tests.demo_teacher_process import start_demo_teacher
from tests.driving import Driver, add_teacher
from tests.use_cases.test_mix_jobs import apart, tasks


@pytest.fixture(scope="module")
def demo_url() -> Iterator[str]:
    with start_demo_teacher(latency_s=0.0, seed=7) as teacher:
        yield teacher.base_url


@pytest.fixture
def judge(runtime: Runtime, demo_url: str) -> TeacherRecord:
    return add_teacher(runtime, demo_url, name="judge")


def judging(judged: Job, judge: TeacherRecord, **details: Any) -> JobDetails:
    sources = [JobSource(judged.id)]
    return JobDetails(method="judge", sources=sources, teacher_id=judge.id, **details)


def test_rows_get_a_score_for_each_criterion_and_sample(
    runtime: Runtime, driver: Driver, judge: TeacherRecord
) -> None:
    made = tasks(runtime, driver, "made", apart("made", 12))
    before = rows.page(runtime, made.id).items
    details = judging(made, judge, options={"samples": 3, "send_seed": True})
    expected = estimates.of_job(runtime, details)
    assert (expected.estimate.rows, expected.estimate.calls.expected) == (12, 36)
    assert expected.first_prompt is not None
    assert "made0rain" in expected.first_prompt.text
    job = driver.finish(jobs.submit(runtime, details).id)
    invariants.check(runtime)
    assert (job.state, job.reason, job.calls) == ("succeeded", "target_reached", 36)
    assert expected.estimate.micro_usd is not None
    assert 0 < job.spent_micro_usd <= expected.estimate.micro_usd.most
    assert rows.page(runtime, made.id).items == before
    scores = rows.scores(runtime, [each.id for each in before])
    assert scores.keys() == {each.id for each in before}
    for (score,) in scores.values():
        names = ["instruction", "correctness", "completeness", "clarity"]
        assert sorted(score.scores) == sorted(names)
        assert all(len(each) == 3 for each in score.scores.values())
        assert all(1 <= value <= 5 for each in score.scores.values() for value in each)
        assert (score.judge_job_id, score.model) == (job.id, "demo")
        assert score.prompt_version == "judge/rubric.en@1"
    copies = rows.page(runtime, job.id).items
    for each in copies:
        assert each.facts is not None
        (score,) = scores[UUID(each.facts["from_row"])]
        assert json.loads(each.facts["scores"]) == score.scores
    lineage = rows.lineage(runtime, before[0].id)
    assert [each.judge_job_id for each in lineage.scores] == [job.id]
    by_score = rows.search(runtime, made.id, min_score=3.5).items
    assert {each.id for each in by_score} == {
        key for key, (score,) in scores.items() if score.overall >= 3.5
    }
    assert 0 < len(by_score) < 12
    _exported_by_score(runtime, made, job, len(by_score))
    _reported(runtime, made, job)


def _exported_by_score(runtime: Runtime, made: Job, job: Job, good: int) -> None:
    for judge, options in (("", {"with_score": True}), (str(job.id), {})):
        packed = {"min_score": 3.5, "judge": judge}
        record = exports.request(runtime, made.id, "trl", options, packed)
        exports.make(runtime, record.id)
        record, path = exports.file(runtime, record.id)
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert (record.row_count, len(lines)) == (good, good)
        assert record.manifest is not None
        assert record.manifest["left_out"] == {"below_score": 12 - good}
        assert all(line["score"] >= 3.5 for line in lines if options)
    with pytest.raises(InvalidInput, match="cannot be made"):
        exports.request(runtime, made.id, "trl", {}, {"judge": str(made.id)})


def _reported(runtime: Runtime, made: Job, job: Job) -> None:
    """The report of the job judged tells what the judging job's own tells."""
    (found,) = reports.of_job(runtime, made.id).judgings
    assert reports.of_job(runtime, job.id).judgings == [found]
    assert (found.judge_job_id, found.rows, sum(found.overall.counts)) == (job.id, 12, 12)
    assert len(found.criteria) == 4
    for each in found.criteria:
        assert each.agreement is not None
        assert (each.agreement.rows, each.agreement.pairs) == (12, 36)
        assert 0 <= each.agreement.exact <= 1
    assert "Scores by judge from" in reports.page(runtime, made.id)


def test_a_budget_stops_a_judging_and_what_was_judged_stays(
    runtime: Runtime, driver: Driver, judge: TeacherRecord
) -> None:
    """A job that has not ended can be judged itself: what it has by then."""
    made = tasks(runtime, driver, "cap", apart("cap", 12))
    job = driver.finish(jobs.submit(runtime, judging(made, judge, cap_micro_usd=700)).id)
    assert (job.state, job.reason) == ("succeeded", "budget_exhausted")
    assert job.spent_micro_usd <= 700
    scored = rows.scores(runtime, [each.id for each in rows.page(runtime, made.id).items])
    assert 0 < len(scored) < 12
    invariants.check(runtime)
    with runtime.database.transaction() as connection:
        still = {"state": "paused", "finished_at": None}
        connection.execute(tables.jobs.update().where(tables.jobs.c.id == job.id).values(still))
    again = driver.finish(jobs.submit(runtime, judging(job, judge)).id)
    assert (again.state, again.target_rows) == ("succeeded", len(scored))


def test_own_words_own_criteria_and_a_threshold(
    runtime: Runtime, driver: Driver, judge: TeacherRecord
) -> None:
    """Rows below the threshold are left out of the judging job's rows, not of the job judged."""
    made, alike = (tasks(runtime, driver, name, apart("own", 8)) for name in ("one", "other"))
    own = "{{criteria}}\nFrom 0 (bad) to 10 (good).\n{{task}}\n{{answer}}\nJSON, please."
    options = {
        "criteria": ["tone: is it kind?", "truth: is it so?"],
        "lowest": 0,
        "highest": 10,
        "min_score": 7.5,
    }
    details = replace(
        judging(made, judge, options=options, prompts={"rubric": own}),
        sources=[JobSource(made.id), JobSource(alike.id)],
    )
    job = driver.finish(jobs.submit(runtime, details).id)
    progress = jobs.progress(runtime, job.id)
    kept, dropped = progress.rows["accepted"], progress.drops["below_score"]
    assert (kept > 0, dropped > 0, kept + dropped) == (True, True, 16)
    judged = [each.id for one in (made, alike) for each in rows.page(runtime, one.id).items]
    scores = rows.scores(runtime, judged)
    assert len(scores) == 16
    assert sum(score.overall >= 7.5 for (score,) in scores.values()) == kept
    versions = {score.prompt_version for (score,) in scores.values()}
    assert all(str(each).startswith("judge/rubric.en@sha256:") for each in versions)


@pytest.mark.parametrize("endpoint", ["score", "chat"])
def test_reward_models(runtime: Runtime, driver: Driver, demo_url: str, endpoint: str) -> None:
    free = {"input_micro_usd_per_million": 0, "output_micro_usd_per_million": 0}
    teacher = add_teacher(runtime, demo_url, endpoint=endpoint, **free)
    made = tasks(runtime, driver, "reward", apart("reward", 4))
    job = driver.finish(
        jobs.submit(runtime, judging(made, teacher, options={"scorer": "reward"})).id
    )
    assert (job.state, job.calls, job.spent_micro_usd) == ("succeeded", 4, 0)
    scores = rows.scores(runtime, [each.id for each in rows.page(runtime, made.id).items])
    assert len({score.overall for (score,) in scores.values()}) == 4
    assert {tuple(score.scores) for (score,) in scores.values()} == {("reward",)}


def test_what_cannot_be_judged_is_named(
    runtime: Runtime, driver: Driver, judge: TeacherRecord, demo_url: str
) -> None:
    made = tasks(runtime, driver, "wrong", apart("wrong", 2))
    scorer = add_teacher(runtime, demo_url, name="scorer", endpoint="score")
    writer = add_teacher(runtime, demo_url, name="writer", endpoint="completions")
    reward, short = {"scorer": "reward"}, {"rubric": "{{task}}"}
    for details, pointer, code in (
        (judging(made, scorer), "/teacher_id", "wrong_type"),
        (judging(made, writer, options=reward), "/teacher_id", "wrong_type"),
        (judging(made, judge, options={"criteria": ["a", "a"]}), "/options/criteria", "wrong_type"),
        (judging(made, judge, options={"lowest": 5}), "/options/highest", "out_of_range"),
        (judging(made, judge, prompts=short), "/prompts/rubric", "missing_placeholder"),
        (JobDetails(method="judge", teacher_id=judge.id), "/sources", "missing_field"),
        (JobDetails(method="judge", sources=[JobSource(made.id)]), "/teacher_id", "missing_field"),
    ):
        with pytest.raises(InvalidInput) as raised:
            jobs.submit(runtime, details)
        assert [(each.pointer, each.code) for each in raised.value.problems] == [(pointer, code)]
