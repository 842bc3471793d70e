"""What a job would come to, held against what jobs with the demo teacher did come to."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from app.domain.lifecycle import JobState
from app.domain.stored import Job
from app.errors import InvalidInput
from app.runtime import Runtime
from app.use_cases import estimates, jobs
from app.use_cases.estimate_words import Assumption, Origin
from app.use_cases.estimates import JobEstimate
from app.use_cases.jobs import JobDetails
from tests.demo_teacher_process import RunningTeacher, start_demo_teacher
from tests.driving import Driver, add_seeds, add_teacher

# What an expectation may be off by: without history, and once such a job has ended here.
FACTOR, FACTOR_WITH_HISTORY = 3.0, 2.0


@pytest.fixture(scope="module")
def teacher() -> Iterator[RunningTeacher]:
    with start_demo_teacher(latency_s=0.01, seed=7) as running:
        yield running


def details(runtime: Runtime, teacher_id: UUID, rows: int = 60, **more: Any) -> JobDetails:
    return JobDetails(add_seeds(runtime), teacher_id, rows, **more)


def named(found: JobEstimate, name: str) -> Assumption:
    return next(each for each in found.assumptions if each.name == name)


def tokens_of(runtime: Runtime, job_id: UUID) -> tuple[int, int]:
    query = sa.text(
        "SELECT sum(prompt_tokens), sum(completion_tokens) FROM completions WHERE job_id = :job"
    )
    with runtime.database.transaction() as connection:
        row = connection.execute(query, {"job": job_id}).one()
    return int(row[0]), int(row[1])


def hold(runtime: Runtime, found: JobEstimate, job: Job, factor: float) -> None:
    """The bounds bound and the expectation is not further off than stated."""
    read, written = tokens_of(runtime, job.id)
    assert found.estimate.micro_usd
    for told, true in (
        (found.estimate.calls, job.calls),
        (found.estimate.prompt_tokens, read),
        (found.estimate.completion_tokens, written),
        (found.estimate.micro_usd, job.spent_micro_usd),
    ):
        assert true <= told.most
        assert told.expected <= told.most
        assert told.expected / factor <= true <= told.expected * factor, (found.estimate, job)


@pytest.mark.parametrize("options", [{}, {"order": "strict"}], ids=["free", "strict"])
def test_a_job_costs_what_was_foreseen(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher, options: dict[str, object]
) -> None:
    record = add_teacher(runtime, teacher.base_url)
    wanted = details(runtime, record.id, options=options)
    foreseen = estimates.of_job(runtime, wanted)
    assert foreseen.estimate.rows == 60
    assert named(foreseen, "novel_per_proposal").origin is Origin.ASSUMED
    assert named(foreseen, "latency_s").origin is Origin.ASSUMED
    first = driver.finish(jobs.submit(runtime, wanted).id)
    hold(runtime, foreseen, first, FACTOR)
    # A second one is foreseen from the first.
    wiser = estimates.of_job(runtime, wanted)
    second = driver.finish(jobs.submit(runtime, wanted).id)
    hold(runtime, wiser, second, FACTOR_WITH_HISTORY)
    told = named(wiser, "novel_per_proposal")
    assert told.origin is Origin.HISTORY
    assert "1 ended jobs with this method, profile and teacher" in told.text
    assert named(wiser, "answer_reply_tokens").origin is Origin.HISTORY
    latency = named(wiser, "latency_s")
    assert latency.origin is Origin.HISTORY
    assert latency.value is not None
    assert latency.value >= 0.01


def test_history_of_another_profile_gives_latency_but_no_yields(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    record = add_teacher(runtime, teacher.base_url)
    driver.finish(jobs.submit(runtime, details(runtime, record.id, 5, profile="paper")).id)
    found = estimates.of_job(runtime, details(runtime, record.id))
    assert named(found, "rows_per_answer").origin is Origin.ASSUMED
    assert named(found, "answer_reply_tokens").origin is Origin.ASSUMED
    assert named(found, "latency_s").origin is Origin.HISTORY
    other = add_teacher(runtime, teacher.base_url, name="other")
    found = estimates.of_job(runtime, details(runtime, other.id))
    assert named(found, "latency_s").origin is Origin.ASSUMED


def test_nothing_is_stored_and_nobody_is_asked(runtime: Runtime) -> None:
    record = add_teacher(runtime, "http://127.0.0.1:9/v1")
    estimates.of_job(runtime, details(runtime, record.id))
    assert jobs.page(runtime).items == []


def test_the_cap_of_money_is_the_most_and_ends_a_job_before_its_target(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    record = add_teacher(runtime, teacher.base_url)
    wanted = details(runtime, record.id, 1000, cap_micro_usd=20_000)
    found = estimates.of_job(runtime, wanted)
    money = found.estimate.micro_usd
    assert money
    assert money.expected <= money.most == 20_000
    assert 0 < found.estimate.rows < 1000
    assert named(found, "most_micro_usd").value == 20_000
    ended = driver.finish(jobs.submit(runtime, wanted).id)
    assert (ended.state, ended.reason) == (JobState.SUCCEEDED, "budget_exhausted")
    accepted = jobs.progress(runtime, ended.id).accepted_rows
    assert found.estimate.rows / FACTOR <= accepted <= found.estimate.rows * FACTOR


def test_the_cap_of_calls_is_the_most(runtime: Runtime) -> None:
    record = add_teacher(runtime, "http://127.0.0.1:9/v1")
    found = estimates.of_job(runtime, details(runtime, record.id, 100, cap_calls=50)).estimate
    assert found.calls.expected == found.calls.most == 50
    assert 0 < found.rows < 50
    usual = estimates.of_job(runtime, details(runtime, record.id, 100)).estimate
    assert usual.calls.most == 1000
    assert usual.rows == 100


def test_no_price_is_guessed(runtime: Runtime) -> None:
    priceless = add_teacher(
        runtime, "http://127.0.0.1:9/v1", name="p", output_micro_usd_per_million=None
    )
    found = estimates.of_job(runtime, details(runtime, priceless.id, cap_micro_usd=10))
    assert found.estimate.micro_usd is found.estimate.micro_usd_per_row is None
    assert found.no_money
    assert "'p' are not known" in found.no_money
    assert found.estimate.rows == 60
    with pytest.raises(InvalidInput):
        jobs.submit(runtime, details(runtime, priceless.id))
    free = add_teacher(
        runtime,
        "http://127.0.0.1:9/v1",
        name="free",
        input_micro_usd_per_million=0,
        output_micro_usd_per_million=0,
    )
    found = estimates.of_job(runtime, details(runtime, free.id))
    assert found.no_money is None
    assert found.estimate.micro_usd
    assert (found.estimate.micro_usd.expected, found.estimate.micro_usd.most) == (0, 0)


def test_what_is_embedded_is_paid_for_too(runtime: Runtime) -> None:
    record = add_teacher(runtime, "http://127.0.0.1:9/v1")
    embedder = add_teacher(
        runtime,
        "http://127.0.0.1:9/v1",
        name="embedder",
        endpoint="embeddings",
        input_micro_usd_per_million=10_000_000,
        output_micro_usd_per_million=None,
    )
    plain = estimates.of_job(runtime, details(runtime, record.id)).estimate
    more = {"embedder_id": embedder.id, "options": {"semantic_threshold": 0.9}}
    found = estimates.of_job(runtime, details(runtime, record.id, **more))
    assert plain.embedding_tokens is None
    assert found.estimate.embedding_tokens
    assert found.estimate.embedding_tokens.expected > 1000
    assert found.estimate.micro_usd
    assert plain.micro_usd
    assert found.estimate.micro_usd.expected > plain.micro_usd.expected
    assert named(found, "embedding_price").value == 10_000_000


def test_wrong_jobs_are_refused_as_when_submitted(runtime: Runtime) -> None:
    record = add_teacher(runtime, "http://127.0.0.1:9/v1")
    with pytest.raises(InvalidInput) as caught:
        estimates.of_job(runtime, details(runtime, record.id, 0, options={"threshold": 7}))
    pointers = {each.pointer for each in caught.value.problems}
    assert pointers == {"/target_rows", "/options/threshold"}
