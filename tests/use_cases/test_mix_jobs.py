"""Jobs that mix finished jobs: shares, caps, one novelty rule, and where each row came from."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from app.domain.materials import JobSource
from app.domain.stored import Job, RowRecord
from app.errors import InUse, InvalidInput
from app.runtime import Runtime
from app.use_cases import estimates, exports, jobs, labelled_sets, rows, seed_sets
from app.use_cases.jobs import JobDetails
from tests import invariants
from tests.demo_teacher_process import start_demo_teacher
from tests.driving import Driver, add_teacher

WORDS = ["rain", "tea", "moss", "iron", "salt", "clay", "wool", "rice", "corn", "silk"]


def tasks(runtime: Runtime, driver: Driver, name: str, texts: Sequence[str]) -> Job:
    """A finished job with one row for each of the texts."""
    lines = [{"input": text, "target": f"{name} {n}"} for n, text in enumerate(texts)]
    content = "".join(json.dumps(each) + "\n" for each in lines).encode()
    details = labelled_sets.LabelledSetDetails(name, licence=f"licence of {name}")
    labelled = labelled_sets.add(runtime, details, [content]).labelled_set
    job = jobs.submit(runtime, JobDetails(method="template", labelled_set_id=labelled.id))
    return driver.finish(job.id)


def apart(name: str, count: int) -> list[str]:
    """Texts that no two of are alike."""
    return [" ".join(f"{name}{n}{word}" for word in WORDS) for n in range(count)]


def mixed(runtime: Runtime, *sources: JobSource, **details: Any) -> Job:
    return jobs.submit(runtime, JobDetails(method="mix", sources=sources, **details))


def finished(runtime: Runtime, driver: Driver, job: Job) -> Sequence[RowRecord]:
    ended = driver.finish(job.id)
    assert ended.state == "succeeded", jobs.progress(runtime, job.id)
    invariants.check(runtime)
    return rows.page(runtime, job.id, limit=500).items


def questions(runtime: Runtime, opening: str) -> UUID:
    """Seeds that ask about every word."""
    texts = [json.dumps({"instruction": f"{opening} {word} for a year?"}) for word in WORDS]
    details = seed_sets.SeedSetDetails(opening)
    return seed_sets.add(runtime, details, ["\n".join(texts).encode()]).seed_set.id


def shares(found: Sequence[RowRecord]) -> Counter[str]:
    return Counter(str(each.facts and each.facts["from_job"]) for each in found)


def test_every_beginning_of_a_mixture_has_the_wanted_shares(
    runtime: Runtime, driver: Driver
) -> None:
    few = tasks(runtime, driver, "few", apart("few", 40))
    many = tasks(runtime, driver, "many", apart("many", 120))
    weighted = mixed(runtime, JobSource(few.id, 0.25), JobSource(many.id, 0.75), target_rows=80)
    found = finished(runtime, driver, weighted)
    for count in (8, 40, 80):
        assert abs(shares(found[:count])[str(few.id)] - count / 4) <= 1
    by_size = mixed(runtime, JobSource(few.id), JobSource(many.id), random_seed=1)
    assert by_size.target_rows == 160
    assert shares(finished(runtime, driver, by_size)) == {str(few.id): 40, str(many.id): 120}
    kept = mixed(runtime, JobSource(few.id, 1), JobSource(many.id, 1))
    assert kept.target_rows == 80
    capped = mixed(runtime, JobSource(few.id, cap=5), JobSource(many.id), target_rows=300)
    found = finished(runtime, driver, capped)
    assert shares(found) == {str(few.id): 5, str(many.id): 120}
    again = mixed(runtime, JobSource(few.id, cap=5), JobSource(many.id), target_rows=300)
    assert [each.instruction for each in finished(runtime, driver, again)] == [
        each.instruction for each in found
    ]


def test_rows_alike_across_jobs_come_once_and_name_their_source(
    runtime: Runtime, driver: Driver
) -> None:
    common = apart("common", 10)
    one = tasks(runtime, driver, "one", [*common, *apart("one", 10)])
    near = [f"{text} please" for text in common]
    other = tasks(runtime, driver, "other", [*near, *apart("other", 10)])
    job = mixed(runtime, JobSource(one.id), JobSource(other.id))
    found = finished(runtime, driver, job)
    assert len(found) == 30
    assert jobs.progress(runtime, job.id).drops == {"rouge_l": 10}
    for each in found:
        assert each.facts is not None
        source = rows.get(runtime, UUID(each.facts["from_row"]))
        assert (source.instruction, source.output) == (each.instruction, each.output)
        assert str(source.job_id) == each.facts["from_job"]
    lineage = rows.lineage(runtime, found[0].id)
    assert lineage.sources == [{"kind": "row", "id": (found[0].facts or {})["from_row"]}]
    assert jobs.sources(runtime, job.id) == [JobSource(one.id), JobSource(other.id)]
    record = exports.request(runtime, job.id, "alpaca_jsonl")
    exports.make(runtime, record.id)
    card = exports.card(runtime, record.id)
    assert "licence of one" in card
    assert "licence of other" in card
    with pytest.raises(InUse, match="mix rows of this one"):
        jobs.delete(runtime, one.id)
    jobs.delete(runtime, job.id)
    jobs.delete(runtime, one.id)


def test_jobs_of_several_methods_become_one(runtime: Runtime, driver: Driver) -> None:
    """Several answers to an instruction stay together, dialogues stay whole."""
    with start_demo_teacher(latency_s=0.0, seed=7) as teacher:
        record = add_teacher(runtime, teacher.base_url)
        twice = {"samples": 2, "send_seed": True}
        answered = JobDetails(
            questions(runtime, "What is"), record.id, 20, method="answer", options=twice
        )
        chatted = JobDetails(
            questions(runtime, "How is one to store"), record.id, 5, method="self_chat"
        )
        answered, chatted = (
            driver.finish(jobs.submit(runtime, details).id) for details in (answered, chatted)
        )
    job = mixed(runtime, JobSource(answered.id), JobSource(chatted.id), options={"threshold": 1.0})
    assert job.simulated
    found = finished(runtime, driver, job)
    dialogues = [each for each in found if each.messages]
    answers = Counter(each.candidate_id for each in found if not each.messages)
    assert (set(answers.values()), len(answers), len(dialogues)) == ({2}, 10, 5)
    originals = {each.id: each for each in rows.page(runtime, chatted.id).items}
    for each in dialogues:
        assert each.messages == originals[UUID((each.facts or {})["from_row"])].messages


def test_what_cannot_be_mixed_is_named(runtime: Runtime, driver: Driver) -> None:
    done = tasks(runtime, driver, "done", apart("done", 3))
    waiting = mixed(runtime, JobSource(done.id))
    estimate = estimates.of_job(runtime, JobDetails(method="mix", sources=[JobSource(done.id)]))
    assert (estimate.estimate.rows, estimate.estimate.calls.most) == (3, 0)
    for sources, pointer, code in (
        ((), "/sources", "missing_field"),
        ((JobSource(UUID(int=1)),), "/sources/0/job_id", "not_found"),
        ((JobSource(done.id), JobSource(waiting.id)), "/sources/1/job_id", "not_finished"),
        ((JobSource(done.id), JobSource(done.id)), "/sources/1/job_id", "repeated_name"),
        ((JobSource(done.id, -1),), "/sources/0/weight", "out_of_range"),
        ((JobSource(done.id, 0),), "/sources", "out_of_range"),
        ((JobSource(done.id, cap=0),), "/sources/0/cap", "out_of_range"),
    ):
        with pytest.raises(InvalidInput) as raised:
            mixed(runtime, *sources)
        assert [(each.pointer, each.code) for each in raised.value.problems] == [(pointer, code)]
