"""Jobs of the method `grounded`, from documents to rows that cite them, on the demo teacher."""

import json
from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import pytest

from app.domain.documents import DocumentKind
from app.errors import InvalidInput
from app.runtime import Runtime
from app.use_cases import document_sets, estimates, exports, jobs, rows, seed_sets
from tests.demo_teacher_process import RunningTeacher, start_demo_teacher
from tests.driving import Driver, add_seeds, add_teacher
from tests.use_cases.test_jobs_of_methods import finished, steps


@pytest.fixture(scope="module")
def teacher() -> Iterator[RunningTeacher]:
    with start_demo_teacher(latency_s=0.0, seed=7) as running:
        yield running


GARDEN = "".join(
    f"## Bed {bed}\n\n"
    + " ".join(f"The {plant} of bed {bed} wants {water} litres a week." for plant in plants)
    + "\n\n"
    for bed, (water, plants) in enumerate(
        [(3, ["bean", "pea", "lentil"]), (5, ["melon", "gourd", "squash"]), (1, ["thyme", "sage"])]
    )
)


def documents(runtime: Runtime, language: str = "en", **files: str) -> UUID:
    details = seed_sets.SeedSetDetails(name="garden", licence="CC0-1.0", language=language)
    read = [
        document_sets.read_document(
            document_sets.DocumentDetails(name, DocumentKind.MARKDOWN, 200), [text.encode()]
        )
        for name, text in files.items()
    ]
    return document_sets.add_all(runtime, details, read)[0].id


def grounded(
    runtime: Runtime, teacher: RunningTeacher, seed_set_id: UUID, **options: object
) -> jobs.JobDetails:
    record = add_teacher(runtime, teacher.base_url, name=str(seed_set_id))
    return jobs.JobDetails(
        seed_set_id, record.id, target_rows=500, method="grounded", options=options
    )


def test_grounded_rows_cite_the_chunk_that_they_rest_on(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    seed_set_id = documents(runtime, beds=GARDEN, tea="Green tea wants 80 degrees, black tea 95.")
    details = grounded(runtime, teacher, seed_set_id, check_support=True, instructions_per_chunk=8)
    expected = estimates.of_job(runtime, details).estimate
    assert expected.calls.expected > 0
    job = jobs.submit(runtime, details)
    found = finished(runtime, driver, job, "sources_exhausted")
    chunks = {
        (each.facts or {})["chunk"]: each
        for each in document_sets.page_chunks(runtime, seed_set_id, limit=200).items
    }
    assert len(chunks) > 3
    assert {each.facts["document"] for each in found if each.facts} == {"beds", "tea"}
    for each in found:
        assert each.facts is not None
        chunk = chunks[each.facts["chunk"]]
        assert each.output in chunk.instruction
        assert each.facts["place"] == (chunk.facts or {})["place"]
        lineage = rows.lineage(runtime, each.id)
        assert [source["id"] for source in lineage.sources] == [str(chunk.id)]
        assert lineage.answer is not None
        assert chunk.instruction in str(lineage.answer.prompt["text"])
    assert steps(runtime, job)["propose"] == len(chunks)
    assert jobs.progress(runtime, job.id).drops["not_supported_by_chunk"] > 0

    record = exports.request(runtime, job.id, "cited_rows")
    exports.make(runtime, record.id)
    record, path = exports.file(runtime, record.id)
    cited = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert [each["chunk"] for each in cited] == [(each.facts or {})["chunk"] for each in found]
    listed = (record.manifest or {})["seed_set"]
    assert isinstance(listed, dict)
    assert [each["name"] for each in listed["documents"]] == ["beds", "tea"]


def test_grounded_takes_replies_that_were_paid_for(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    details = grounded(runtime, teacher, documents(runtime, beds=GARDEN), passes=2, order="strict")
    first = jobs.submit(runtime, details)
    finished(runtime, driver, first, "sources_exhausted")
    again = jobs.submit(runtime, replace(details, reuse="prefer"))
    found = finished(runtime, driver, again, "sources_exhausted")
    made = rows.page(runtime, first.id, limit=500).items
    assert [each.output for each in found] == [each.output for each in made]
    job = jobs.get(runtime, again.id)
    assert (job.calls, job.spent_micro_usd) == (0, 0)
    assert job.reused_calls == jobs.get(runtime, first.id).calls


def test_grounded_speaks_chinese_and_may_show_its_chunk(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    text = "# 茶\n\n" + "".join(f"第{n}种茶要用{60 + n}度的水冲泡{n}分钟。" for n in range(1, 30))
    seed_set_id = documents(runtime, "zh", guide=text)
    details = grounded(
        runtime, teacher, seed_set_id, with_chunk=True, threshold=1.0, instructions_per_chunk=20
    )
    job = jobs.submit(runtime, details)
    assert job.options["language"] == "zh"
    found = finished(runtime, driver, job, "sources_exhausted")
    assert len(found) > 3, jobs.progress(runtime, job.id)
    for each in found:
        assert each.output in each.input
        assert each.input in text
        assert any("\u4e00" <= char <= "\u9fff" for char in each.instruction)
    assert jobs.progress(runtime, job.id).drops["not_answered_by_chunk"] > 0


def test_tasks_and_documents_are_not_taken_for_each_other(
    runtime: Runtime, teacher: RunningTeacher
) -> None:
    with pytest.raises(InvalidInput) as raised:
        jobs.submit(runtime, grounded(runtime, teacher, add_seeds(runtime)))
    (problem,) = raised.value.problems
    assert (problem.pointer, problem.code) == ("/seed_set_id", "wrong_type")
    assert "takes documents" in problem.detail
    details = replace(
        grounded(runtime, teacher, documents(runtime, tea="Green tea.")), method="answer"
    )
    with pytest.raises(InvalidInput, match="cannot be run"):
        jobs.submit(runtime, details)
    empty = document_sets.create(runtime, seed_sets.SeedSetDetails(name="empty"))
    with pytest.raises(InvalidInput) as raised:
        jobs.submit(runtime, replace(details, method="grounded", seed_set_id=empty.id))
    assert "at least one chunk" in raised.value.problems[0].detail
