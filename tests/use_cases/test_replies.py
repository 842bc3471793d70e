"""A job's own replies, replayed under its own settings, give its own rows again."""

import json
from pathlib import Path
from uuid import uuid4

import orjson
import pytest

from app.domain.lifecycle import CandidateState
from app.errors import NotFound
from app.runtime import Runtime
from app.use_cases import jobs, replies, rows
from app.use_cases.replay import ReplaySettings, replay_answers, replay_instructions
from app.use_cases.replies import Step
from tests.demo_teacher_process import start_demo_teacher
from tests.driving import SEEDS, Driver, add_seeds, add_teacher


def test_the_same_settings_give_the_same_rows(
    runtime: Runtime, driver: Driver, tmp_path: Path
) -> None:
    with start_demo_teacher(latency_s=0.01, seed=3) as teacher:
        seed_set_id = add_seeds(runtime)
        teacher_id = add_teacher(runtime, teacher.base_url).id
        job = jobs.submit(runtime, jobs.JobDetails(seed_set_id, teacher_id, target_rows=25))
        assert driver.finish(job.id).state == "succeeded"
    files = {step: tmp_path / f"{step}.jsonl" for step in Step}
    for step, path in files.items():
        lines = [orjson.dumps(line) for line in replies.of_job(runtime, job.id, step)]
        path.write_bytes(b"\n".join(lines))
    same = ReplaySettings()
    out = tmp_path / "out.jsonl"

    proposed = replay_instructions(same, seeds=SEEDS, replies=files[Step.PROPOSE], out=out)
    page = jobs.page_candidates(runtime, job.id, state=CandidateState.NOVEL, limit=1000)
    novel = sorted(page.items, key=lambda each: (each.number, each.position))
    assert [each.instruction for each in proposed.accepted] == [each.instruction for each in novel]

    classified, answered = files[Step.CLASSIFY], files[Step.ANSWER]
    replay_answers(same, instructions=classified, replies=answered, out=out)
    triples = {tuple(json.loads(line).values()) for line in out.read_text().splitlines()}
    made = rows.page(runtime, job.id, limit=1000).items
    assert {(row.instruction, row.input, row.output) for row in made} == triples


def test_an_unknown_job_is_named_at_once(runtime: Runtime) -> None:
    with pytest.raises(NotFound):
        replies.of_job(runtime, uuid4(), Step.PROPOSE)
