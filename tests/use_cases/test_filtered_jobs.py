"""Jobs with filters and evaluation sets: what they drop, flag and count, and the dry run."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from uuid import UUID, uuid4

import pytest

from app.domain.stored import EvaluationSet, Job, JobProgress
from app.errors import InUse, InvalidInput, InvalidUpload, NotFound
from app.runtime import Runtime
from app.use_cases import evaluation_sets, filter_preview, jobs, rows, seed_sets
from app.use_cases.evaluation_sets import EvaluationSetDetails
from app.use_cases.filter_preview import FilterPreview, PreviewRequest
from tests import invariants
from tests.demo_teacher_process import RunningTeacher, start_demo_teacher
from tests.driving import add_teacher, running_driver, running_runtime
from tests.servers import TestPostgres

EXAM = "Explain in two sentences why the leaves of most trees turn red and yellow in autumn."
NEAR = "Name three rivers that end in the sea."
GONE = UUID(int=7)
SEEDS = {
    "sound": "Tell us how a kettle works.",
    "leak": "Say what a wombat is, in short.",
    "mail": "Say who has the address lin.wei@teahouse.cn here.",
    "run": f"{EXAM} Then add a joke.",
    "near": "Name three rivers that end in a sea.",
    "short": "Sing.",
}


@pytest.fixture(scope="module")
def teacher() -> Iterator[RunningTeacher]:
    with start_demo_teacher(latency_s=0.0, seed=7) as running:
        yield running


def jsonl(*instructions: str) -> bytes:
    return b"".join(json.dumps({"instruction": each}).encode() + b"\n" for each in instructions)


def add_exam(runtime: Runtime, *instructions: str, name: str = "exam") -> EvaluationSet:
    details = EvaluationSetDetails(name, licence="CC0-1.0")
    return evaluation_sets.add(runtime, details, [jsonl(*instructions)]).evaluation_set


def details_of(runtime: Runtime, teacher: RunningTeacher, **more: object) -> jobs.JobDetails:
    named = seed_sets.SeedSetDetails("seeds", licence="CC0-1.0")
    seed_set = seed_sets.add(runtime, named, [jsonl(*SEEDS.values())]).seed_set
    known = {"target_rows": 10, "method": "answer", **more}
    teacher_id = add_teacher(runtime, teacher.base_url).id
    return jobs.JobDetails(seed_set_id=seed_set.id, teacher_id=teacher_id, **known)  # pyright: ignore[reportArgumentType]


@pytest.fixture(scope="module")
def kept(
    postgres_server: TestPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Runtime]:
    """A database for all tests that only look at the finished job."""
    name = f"cultivar_test_{uuid4().hex}"
    url = postgres_server.create(name, template_database)
    with running_runtime(url, tmp_path_factory.mktemp("home")) as runtime:
        yield runtime
    postgres_server.drop(name)


@pytest.fixture(scope="module")
def finished(kept: Runtime, teacher: RunningTeacher) -> tuple[Job, Mapping[str, UUID]]:
    """A job of six seeds, held against two sets and filters of its own."""
    runtime = kept
    sets = {"run": add_exam(runtime, EXAM), "near": add_exam(runtime, NEAR, name="rivers")}
    ids = {name: each.id for name, each in sets.items()}
    details = details_of(
        runtime,
        teacher,
        filters={"prompt_leak": {"phrases": ["WOMBAT"]}, "word_count": {"minimum": 2}},
        decontamination={"evaluation_set_ids": list(ids.values())},
    )
    with running_driver(runtime) as driver:
        job = driver.finish(jobs.submit(runtime, details).id)
    assert job.reason == "sources_exhausted"
    invariants.check(runtime)
    return job, ids


def counted(found: JobProgress) -> Mapping[str, object]:
    return {
        "rows": dict(found.rows),
        "drops": dict(found.drops),
        "flags": dict(found.flags),
        "overlaps": {each.evaluation_set_id: each.by_rule for each in found.overlaps},
    }


def looked(runtime: Runtime, job: Job, **request: object) -> FilterPreview:
    before = counted(jobs.progress(runtime, job.id))
    found = filter_preview.preview(runtime, job.id, PreviewRequest(**request))  # pyright: ignore[reportArgumentType]
    assert counted(jobs.progress(runtime, job.id)) == before
    return found


def test_a_job_drops_flags_and_counts_by_filter_and_by_set(
    kept: Runtime, finished: tuple[Job, Mapping[str, UUID]]
) -> None:
    runtime, (job, ids) = kept, finished
    progress = jobs.progress(runtime, job.id)
    assert counted(progress) == {
        "rows": {"accepted": 2, "rejected": 2},
        "drops": {"prompt_leak": 1, "rouge_l_overlap": 1, "ngram_overlap": 1, "too_short": 1},
        "flags": {"email_address": 1},
        "overlaps": {ids["run"]: {"ngram_overlap": 1}, ids["near"]: {"rouge_l_overlap": 1}},
    }
    # Neither the instruction that is in an exam nor the one word was paid an answer for.
    assert progress.job.calls == 4
    stored = rows.page(runtime, job.id, state=None).items
    assert {each.instruction: (each.reasons, each.flags) for each in stored} == {
        SEEDS["sound"]: ((), ()),
        SEEDS["leak"]: (("prompt_leak",), ()),
        SEEDS["mail"]: ((), ("email_address",)),
        SEEDS["near"]: (("rouge_l_overlap",), ()),
    }


def test_a_dry_run_tells_what_would_change_and_changes_nothing(
    kept: Runtime, finished: tuple[Job, Mapping[str, UUID]]
) -> None:
    runtime, (job, _) = kept, finished
    same = looked(runtime, job)
    assert (same.rows, same.accepted, same.accepted_then, same.complete) == (4, 2, 2, True)
    assert (same.dropped, same.flagged, same.returned, same.examples) == ({}, {}, {}, [])
    other = looked(
        runtime,
        job,
        filters={
            "email_address": "drop",
            "prompt_leak": False,
            "word_count": {"minimum": 1},
            "link": {"where": ["instruction"], "action": "flag"},
            "blacklisted_word": {"words": ["kettle"]},
        },
    )
    assert (other.accepted, other.accepted_then) == (2, 1)
    assert other.dropped == {"email_address": 1, "blacklisted_word": 1}
    assert other.returned == {"prompt_leak": 1}
    assert other.instructions_returned == {"too_short": 1}
    told = Counter((each.change, each.reason, each.instruction) for each in other.examples)
    assert told == Counter(
        {
            ("dropped", "email_address", SEEDS["mail"]): 1,
            ("dropped", "blacklisted_word", SEEDS["sound"]): 1,
            ("returned", "prompt_leak", SEEDS["leak"]): 1,
            ("instruction_returned", "too_short", SEEDS["short"]): 1,
        }
    )


def test_a_dry_run_against_other_sets_and_within_limits(
    kept: Runtime, finished: tuple[Job, Mapping[str, UUID]]
) -> None:
    runtime, (job, _) = kept, finished
    kettle = add_exam(runtime, "Tell us how the kettle works.", name="kettles")
    rules = {"evaluation_set_ids": [kettle.id], "action": "flag"}
    found = looked(runtime, job, decontamination=rules)
    assert found.flagged == {"rouge_l_overlap": 1}
    assert found.returned == {"rouge_l_overlap": 1}
    assert found.instructions_returned == {"ngram_overlap": 1}
    assert [(each.evaluation_set_id, each.by_rule) for each in found.overlaps] == [
        (kettle.id, {"rouge_l_overlap": 1})
    ]
    short = looked(runtime, job, most_rows=1, examples=0, filters={"email_address": "drop"})
    assert (short.rows, short.complete, short.examples) == (1, False, [])


def test_a_dry_run_names_every_fault(
    kept: Runtime, finished: tuple[Job, Mapping[str, UUID]]
) -> None:
    runtime, (job, _) = kept, finished
    with pytest.raises(InvalidInput) as raised:
        looked(
            runtime,
            job,
            filters={"refussal": True},
            decontamination={"evaluation_set_ids": [job.id], "ngram": 4},
        )
    assert [each.pointer for each in raised.value.problems] == [
        "/filters/refussal",
        "/decontamination/ngram",
    ]
    with pytest.raises(NotFound):
        filter_preview.preview(runtime, UUID(int=1), PreviewRequest())


def test_a_set_that_a_job_is_held_against_stays(
    kept: Runtime, finished: tuple[Job, Mapping[str, UUID]]
) -> None:
    runtime, (job, ids) = kept, finished
    with pytest.raises(InUse, match=str(job.id)):
        evaluation_sets.delete(runtime, ids["run"])
    other = add_exam(runtime, "Nobody is asked this.", name="unused")
    evaluation_sets.delete(runtime, other.id)
    with pytest.raises(NotFound):
        evaluation_sets.get(runtime, other.id)


@pytest.mark.parametrize(
    ("rules", "pointer", "code"),
    [
        ({}, "/decontamination/evaluation_set_ids", "missing_field"),
        ({"evaluation_set_ids": ["x"]}, "/decontamination/evaluation_set_ids", "wrong_type"),
        (
            {"evaluation_set_ids": [UUID(int=7)]},
            "/decontamination/evaluation_set_ids/0",
            "not_found",
        ),
        ({"evaluation_set_ids": [UUID(int=n) for n in range(21)]}, "", "too_long"),
        (
            {"evaluation_set_ids": [UUID(int=7)], "ngram": None, "rouge_l": None},
            "",
            "missing_field",
        ),
        ({"evaluation_set_ids": [GONE], "rouge_l": 2}, "/decontamination/rouge_l", ""),
    ],
)
def test_rules_that_cannot_hold_are_refused(
    runtime: Runtime, teacher: RunningTeacher, rules: dict[str, object], pointer: str, code: str
) -> None:
    given = rules or {"ngram": 13}
    with pytest.raises(InvalidInput) as raised:
        jobs.submit(runtime, details_of(runtime, teacher, decontamination=given))
    problem = raised.value.problems[0]
    assert problem.pointer.startswith(pointer)
    assert problem.code.startswith(code)


def test_a_published_profile_and_an_earlier_job_have_no_filters(
    runtime: Runtime, teacher: RunningTeacher
) -> None:
    details = details_of(runtime, teacher, method="self_instruct", profile="paper")
    assert jobs.submit(runtime, details).filters == {}


def test_an_evaluation_set_is_stored_whole_or_not_at_all(runtime: Runtime) -> None:
    with pytest.raises(InvalidUpload) as raised:
        evaluation_sets.add(runtime, EvaluationSetDetails("bad"), [jsonl(EXAM) + b"{\n"])
    assert [each.line for each in raised.value.report.errors] == [2]
    assert evaluation_sets.page(runtime).items == []
    with pytest.raises(InvalidInput):
        evaluation_sets.add(runtime, EvaluationSetDetails(" "), [jsonl(EXAM)])
    first = evaluation_sets.add(runtime, EvaluationSetDetails("a"), [jsonl(EXAM, NEAR, EXAM)])
    again = evaluation_sets.add(runtime, EvaluationSetDetails("b"), [jsonl(EXAM, NEAR, EXAM)])
    assert (first.created, again.created) == (True, False)
    assert first.evaluation_set == again.evaluation_set
    assert first.evaluation_set.row_count == 2
    page = evaluation_sets.page_items(runtime, first.evaluation_set.id, limit=1)
    rest = evaluation_sets.page_items(runtime, first.evaluation_set.id, cursor=page.next)
    assert [each.instruction for each in (*page.items, *rest.items)] == [EXAM, NEAR]
