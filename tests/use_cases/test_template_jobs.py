"""Jobs that make tasks of labelled rows by templates: no teacher, no calls, every row once."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.domain.labelled import Columns
from app.domain.stored import Job, RowRecord
from app.errors import InvalidInput
from app.runtime import Runtime
from app.use_cases import (
    estimates,
    exports,
    jobs,
    labelled_sets,
    rows,
    template_sets,
)
from app.use_cases.jobs import JobDetails
from app.use_cases.rendering import RenderSettings, render_file
from tests import invariants
from tests.driving import Driver, running_driver

LABELS = Columns(names={"label": ("bad", "good")})
TEMPLATES = """\
dataset: reviews
templates:
  a: !Template
    answer_choices: no ||| yes
    id: a
    jinja: "{{ text }} Again? ||| {{ answer_choices[label] }}"
    name: again
  b: !Template
    answer_choices: null
    id: b
    jinja: "{% if label %}Praise {{ range(9999) | choice }}: {{ n }} ||| {{ text }}{% endif %}"
    name: praise
  c: !Template
    answer_choices: null
    id: c
    jinja: "{{ text.missing.deeper }} ||| x"
    name: broken
"""


def reviews(count: int) -> bytes:
    """Labelled rows; every third is good."""
    made = [{"n": n, "text": f"Review {n}.", "label": int(n % 3 == 0)} for n in range(count)]
    return "".join(json.dumps(each) + "\n" for each in made).encode()


def stored(runtime: Runtime, content: bytes = b"", **details: Any) -> dict[str, Any]:
    """The fields of a job that name a template set and a labelled set."""
    chosen = labelled_sets.LabelledSetDetails("reviews", licence="CC0-1.0", **details)
    labelled = labelled_sets.add(runtime, chosen, [content or reviews(30)]).labelled_set
    described = template_sets.TemplateSetDetails(licence="Apache-2.0")
    templates = template_sets.add(runtime, described, [TEMPLATES.encode()]).template_set
    return {"labelled_set_id": labelled.id, "template_set_id": templates.id}


def submitted(runtime: Runtime, given: dict[str, Any], **options: Any) -> Job:
    return jobs.submit(runtime, JobDetails(method="template", options=options, **given))


def finished(
    runtime: Runtime, driver: Driver, job: Job, reason: str = "sources_exhausted"
) -> Sequence[RowRecord]:
    ended = driver.finish(job.id)
    assert (ended.state, ended.reason) == ("succeeded", reason), jobs.progress(runtime, job.id)
    invariants.check(runtime)
    return rows.page(runtime, job.id, limit=500).items


def taken(runtime: Runtime, job: Job) -> list[tuple[str, str]]:
    """Row and template of every row of a job."""
    seen: list[tuple[str, str]] = []
    cursor = None
    while True:
        page = rows.page(runtime, job.id, cursor=cursor, limit=500)
        seen += [(each.facts["row"], each.facts["template"]) for each in page.items if each.facts]
        cursor = page.next
        if cursor is None:
            return seen


def test_a_job_gives_what_the_command_renders_and_counts_what_it_skips(
    runtime: Runtime, driver: Driver, tmp_path: Path
) -> None:
    given = stored(runtime, columns=LABELS)
    details = JobDetails(method="template", random_seed=7, **given)
    estimate = estimates.of_job(runtime, details).estimate
    assert (estimate.calls.most, estimate.micro_usd and estimate.micro_usd.most) == (0, 0)
    job = jobs.submit(runtime, details)
    assert (job.teacher_id, job.seed_set_id, job.target_rows, job.cap_calls) == (None, None, 90, 0)
    found = finished(runtime, driver, job)

    for name, content in (("t.yaml", TEMPLATES.encode()), ("r.jsonl", reviews(30))):
        (tmp_path / name).write_bytes(content)
    out = tmp_path / "out.jsonl"
    settings = RenderSettings(seed=7, columns=LABELS)
    summary = render_file(tmp_path / "t.yaml", tmp_path / "r.jsonl", out, settings)
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(each.instruction, each.output) for each in found] == [
        (line["input"], line["target"]) for line in lines
    ]
    assert [each.facts and (each.facts["row"], each.facts["template"]) for each in found] == [
        (str(line["row"]), line["template"]) for line in lines
    ]
    drops = jobs.progress(runtime, job.id).drops
    assert drops == {"no_separator": 20, "error": 30}
    assert sum(each.rows for each in summary.skips) == 50
    skipped = jobs.page_candidates(runtime, job.id, reason="error").items[0]
    assert skipped.facts is not None
    assert skipped.facts["template"] == "broken"
    assert "missing" in skipped.facts["detail"]
    lineage = rows.lineage(runtime, found[0].id)
    assert lineage.sources == [{"kind": "labelled_row", "id": f"{given['labelled_set_id']}/0"}]
    assert (lineage.propose, lineage.answer) == (None, None)


def test_a_job_exports_with_its_licences_and_without_a_teacher(
    runtime: Runtime, driver: Driver
) -> None:
    job = submitted(runtime, stored(runtime), templates=["again"])
    assert len(finished(runtime, driver, job, "target_reached")) == 30
    for name in ("alpaca_jsonl", "chat_messages", "prompt_completion"):
        record = exports.request(runtime, job.id, name)
        exports.make(runtime, record.id)
        record, path = exports.file(runtime, record.id)
        assert len(path.read_text().splitlines()) == 30
        manifest: Any = record.manifest
        assert manifest["teacher"] is None
        assert manifest["template_set"]["licence"] == "Apache-2.0"
        card = exports.card(runtime, record.id)
        assert "no model wrote" in card
        assert "CC0-1.0" in card
        assert "Teacher" not in card


def test_killed_at_any_point_every_row_is_there_once(runtime: Runtime) -> None:
    job = submitted(runtime, stored(runtime, reviews(400)), templates=["again", "praise"])
    for _ in range(10):
        with running_driver(runtime) as driver:  # each is a process that lives for one turn
            driver.engine.stop()
            driver.step(job.id)
        if jobs.get(runtime, job.id).state == "succeeded":
            break
    with running_driver(runtime) as driver:
        finished(runtime, driver, job)
    again = {(str(n), "again") for n in range(400)}
    expected = again | {(str(n), "praise") for n in range(0, 400, 3)}
    assert sorted(taken(runtime, job)) == sorted(expected)


def test_workers_at_the_same_job_take_no_row_twice(runtime: Runtime) -> None:
    job = submitted(runtime, stored(runtime, reviews(400)), templates=["again"])
    with (
        running_driver(runtime) as one,
        running_driver(runtime) as other,
        ThreadPoolExecutor(2) as threads,
    ):
        for ended in threads.map(lambda each: each.finish(job.id), (one, other)):
            assert ended.state == "succeeded"
    invariants.check(runtime)
    assert sorted(taken(runtime, job)) == sorted((str(n), "again") for n in range(400))


def test_flan_styles_show_worked_examples_of_the_same_template(
    runtime: Runtime, driver: Driver
) -> None:
    job = submitted(
        runtime,
        stored(runtime),
        templates=["again"],
        styles=["few_shot", "few_shot_options", "zero_shot_options"],
        shots=2,
    )
    found = finished(runtime, driver, job, "target_reached")
    styles = {each.facts["style"] for each in found if each.facts}
    assert styles == {"few_shot", "few_shot_options", "zero_shot_options"}
    for each in found:
        assert each.facts is not None
        shown = each.facts.get("exemplars", "").split()
        assert (len(shown) == 2) is each.facts["style"].startswith("few_shot")
        assert each.facts["row"] not in shown
        assert all(f"Review {row}." in each.instruction for row in (*shown, each.facts["row"]))


def test_solved_rows_need_no_templates_and_reasoning_is_turned_round(
    runtime: Runtime, driver: Driver
) -> None:
    made = [
        {"question": f"What is {n}+1?", "answer": str(n + 1), "chain": f"Add 1 to {n}."}
        for n in range(20)
    ]
    content = "".join(json.dumps(each) + "\n" for each in [*made, {"other": 1}]).encode()
    given = stored(runtime, content)
    del given["template_set_id"]
    job = submitted(runtime, given, inversion=1.0)
    found = finished(runtime, driver, job)
    styles = [each.facts["style"] for each in found if each.facts]
    assert (styles.count("zero_shot"), styles.count("inverted")) == (20, 20)
    assert jobs.progress(runtime, job.id).drops == {"no_task": 1}


def test_caps_and_draws_are_kept(runtime: Runtime, driver: Driver) -> None:
    given = stored(runtime, reviews(100))
    capped = submitted(runtime, given, templates=["again", "praise"], cap=40, cap_shared=True)
    found = finished(runtime, driver, capped)
    assert len({each.facts["row"] for each in found if each.facts}) == 20
    drawn = submitted(runtime, given, templates=["again", "praise"], per_row=1)
    found = finished(runtime, driver, drawn)
    told = [each.facts["row"] for each in found if each.facts]
    assert len(told) == len(set(told))


@pytest.mark.parametrize(
    ("changed", "pointer", "code"),
    [
        ({"labelled_set_id": None}, "/labelled_set_id", "missing_field"),
        ({"labelled_set_id": UUID(int=1)}, "/labelled_set_id", "not_found"),
        ({"template_set_id": UUID(int=1)}, "/template_set_id", "not_found"),
        ({"teacher_id": UUID(int=1)}, "/teacher_id", "conflicting_options"),
        ({"seed_set_id": UUID(int=1)}, "/seed_set_id", "conflicting_options"),
        ({"delivery": "batch"}, "/delivery", "conflicting_options"),
        ({"options": {"templates": ["none"]}}, "/options/templates", "unknown_template"),
        ({"method": "answer"}, "/teacher_id", "missing_field"),
    ],
)
def test_what_a_job_lacks_or_cannot_use_is_named(
    runtime: Runtime, changed: dict[str, Any], pointer: str, code: str
) -> None:
    with pytest.raises(InvalidInput) as raised:
        jobs.submit(runtime, JobDetails(**{"method": "template", **stored(runtime), **changed}))
    assert (pointer, code) in {(each.pointer, each.code) for each in raised.value.problems}
