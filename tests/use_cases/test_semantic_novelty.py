"""The semantic rule, on real Postgres, with the demo teacher's vectors over real HTTP."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from app.demo_teacher.embeddings import embed
from app.domain.lifecycle import CandidateState, JobState
from app.domain.stored import Job
from app.domain.vectors import cosine, unit
from app.errors import InUse, Unavailable
from app.runtime import Runtime
from app.use_cases import embedding, jobs, teachers
from app.use_cases.admission import PoolIndexes, admit
from app.use_cases.embedding import Embedder
from app.use_cases.job_context import SeedCache, load
from app.use_cases.planning import plan
from app.use_cases.sweep import sweep
from app.wakeups import SilentWake
from tests import invariants
from tests.demo_teacher_process import RunningTeacher, start_demo_teacher
from tests.driving import Driver, add_seeds, add_teacher, make_embedder, running_driver
from tests.use_cases.proposing import add_embedder, make_job, propose

TEXTS = [
    "grow red apples slowly behind the old stone wall",
    "behind the old stone wall slowly grow red apples",
    "name seven rivers of the northern plain",
    "compose a letter that asks a neighbour for sugar",
    "of the northern plain name seven rivers",
    "list three ways to mend a bicycle tyre at night",
]


@pytest.fixture(scope="module")
def teacher() -> Iterator[RunningTeacher]:
    with start_demo_teacher(latency_s=0.0, seed=7) as running:
        yield running


@pytest.fixture
def runtime(runtime: Runtime) -> Runtime:
    """Without a bell: nobody admits but the test."""
    return replace(runtime, wake=SilentWake())


@pytest.fixture
def embedder(runtime: Runtime) -> Iterator[Embedder]:
    made = make_embedder(runtime)
    yield made
    made.close()


def make_semantic(runtime: Runtime, base_url: str, **details: Any) -> Job:
    """A running job with the semantic rule at 0.8 and candidates that wait."""
    embedder_id = add_embedder(runtime, base_url, **details)
    job = make_job(runtime, embedder_id=embedder_id, running=True, semantic_threshold=0.8)
    propose(runtime, job, TEXTS)
    return job


def new_indexes() -> PoolIndexes:
    return PoolIndexes(memory_bytes=1 << 30)


def found(runtime: Runtime, job: Job) -> Mapping[str, Any]:
    items = jobs.page_candidates(runtime, job.id, limit=500).items
    return {each.instruction: each for each in items}


def scalar(runtime: Runtime, query: str) -> Any:
    with runtime.database.transaction() as connection:
        return connection.execute(sa.text(query)).scalar()


def execute(runtime: Runtime, statement: str) -> None:
    with runtime.database.transaction() as connection:
        connection.execute(sa.text(statement))


def bought_once(runtime: Runtime) -> None:
    """Every text that was paid for has its vector, and no text was paid for twice."""
    texts = scalar(runtime, "SELECT sum(texts) FROM embedding_calls WHERE state = 'answered'")
    assert texts == scalar(runtime, "SELECT count(*) FROM embeddings WHERE vector IS NOT NULL")


def test_a_candidate_too_near_in_meaning_is_dropped_with_its_nearest_row(
    runtime: Runtime, embedder: Embedder, teacher: RunningTeacher
) -> None:
    job = make_semantic(runtime, teacher.base_url)
    assert admit(runtime, new_indexes(), job.pool_id, embedder) == len(TEXTS)
    fates = found(runtime, job)
    dropped = [each for each in TEXTS if fates[each].state is not CandidateState.NOVEL]
    assert dropped == [TEXTS[1], TEXTS[4]]
    for text, earlier in ((TEXTS[1], TEXTS[0]), (TEXTS[4], TEXTS[2])):
        fate = fates[text]
        assert (fate.state, fate.reasons) == (CandidateState.DUPLICATE, ("semantic",))
        assert fate.nearest_text == earlier
        vectors = [unit(embed(each, 256)) for each in (text, earlier)]
        assert fate.nearest_cosine == pytest.approx(cosine(*vectors), abs=1e-6)
        assert fate.nearest_score is not None
        assert 0 < fate.nearest_score <= 0.7
    assert all(fates[each].nearest_cosine is not None for each in TEXTS)
    assert jobs.progress(runtime, job.id).drops == {"semantic": 2}
    after = jobs.get(runtime, job.id)
    assert after.spent_micro_usd > 0 == after.reserved_micro_usd
    bought_once(runtime)
    invariants.check(runtime)


def test_what_words_decide_is_not_paid_for(
    runtime: Runtime, embedder: Embedder, teacher: RunningTeacher
) -> None:
    job = make_semantic(runtime, teacher.base_url)
    propose(runtime, job, [TEXTS[0].upper(), TEXTS[0] + " today", TEXTS[2] + " now"], number=1)
    admit(runtime, new_indexes(), job.pool_id, embedder)
    drops = jobs.progress(runtime, job.id).drops
    assert drops == {"semantic": 2, "exact_duplicate": 1, "rouge_l": 2}
    seeds = scalar(runtime, "SELECT count(DISTINCT text) FROM pool_rows WHERE kind = 'seed'")
    assert scalar(runtime, "SELECT count(*) FROM embeddings") == seeds + len(TEXTS)


def test_another_job_and_another_process_pay_for_nothing_again(
    runtime: Runtime, embedder: Embedder, teacher: RunningTeacher
) -> None:
    job = make_semantic(runtime, teacher.base_url)
    admit(runtime, new_indexes(), job.pool_id, embedder)
    calls = scalar(runtime, "SELECT count(*) FROM embedding_calls")
    other = make_job(runtime, embedder_id=job.embedder_id, running=True, semantic_threshold=0.8)
    propose(runtime, other, TEXTS)
    heir = make_embedder(runtime)
    assert admit(runtime, new_indexes(), other.pool_id, heir) == len(TEXTS)
    heir.close()
    assert scalar(runtime, "SELECT count(*) FROM embedding_calls") == calls
    assert jobs.get(runtime, other.id).spent_micro_usd == 0
    assert {text: each.state for text, each in found(runtime, job).items()} == {
        text: each.state for text, each in found(runtime, other).items()
    }
    assert job.embedder_id is not None
    with pytest.raises(InUse):
        teachers.delete(runtime, job.embedder_id)
    with pytest.raises(InUse):
        teachers.change(runtime, job.embedder_id, {"endpoint": "chat"})
    invariants.check(runtime)


def test_many_processes_at_once_buy_each_text_once(
    runtime: Runtime, teacher: RunningTeacher
) -> None:
    job = make_semantic(runtime, teacher.base_url)
    for number in range(1, 25):
        words = f"kind {number % 5} of the task number {number % 7} about thing {number}"
        propose(runtime, job, [words, " ".join(reversed(words.split()))], number=number)
    embedders = [make_embedder(runtime) for _ in range(4)]
    threads = [
        threading.Thread(target=admit, args=(runtime, new_indexes(), job.pool_id, each))
        for each in embedders
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    admit(runtime, new_indexes(), job.pool_id, embedders[0])
    for each in embedders:
        each.close()
    assert not [x for x in found(runtime, job).values() if x.state is CandidateState.PROPOSED]
    bought_once(runtime)
    invariants.check(runtime)


def test_jobs_over_the_same_seeds_buy_them_once_between_them(
    runtime: Runtime, teacher: RunningTeacher
) -> None:
    first = make_semantic(runtime, teacher.base_url)
    made = [first]
    for _ in range(5):
        job = make_job(runtime, embedder_id=first.embedder_id, running=True, semantic_threshold=0.8)
        propose(runtime, job, TEXTS)
        made.append(job)
    embedders = [make_embedder(runtime) for _ in made]
    together = threading.Barrier(len(made))

    def run(job: Job, embedder: Embedder) -> None:
        together.wait()
        admit(runtime, new_indexes(), job.pool_id, embedder)

    threads = [
        threading.Thread(target=run, args=pair) for pair in zip(made, embedders, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for job, embedder in zip(made, embedders, strict=True):
        finish_admission(runtime, job, embedder)
        embedder.close()
        assert found(runtime, job)[TEXTS[1]].reasons == ("semantic",)
    bought_once(runtime)
    invariants.check(runtime)


def test_under_a_cap_of_money_it_never_spends_more(
    runtime: Runtime, embedder: Embedder, teacher: RunningTeacher
) -> None:
    price = {"input_micro_usd_per_million": 50_000_000}
    job = make_semantic(runtime, teacher.base_url, **price)
    jobs.change(runtime, job.id, jobs.JobChanges(cap_micro_usd=200_000))
    for _ in range(30):
        admit(runtime, new_indexes(), job.pool_id, embedder)
    after = jobs.get(runtime, job.id)
    assert (after.state, after.reason) == (JobState.SUCCEEDED, "budget_exhausted")
    assert 0 < after.spent_micro_usd <= 200_000
    assert sweep(runtime).pools == 0
    invariants.check(runtime)
    jobs.change(runtime, job.id, jobs.JobChanges(cap_micro_usd=20_000_000))
    jobs.retry(runtime, job.id, only_failed=False)
    assert sweep(runtime).pools == 1
    admit(runtime, new_indexes(), job.pool_id, embedder)
    assert found(runtime, job)[TEXTS[1]].reasons == ("semantic",)
    bought_once(runtime)
    invariants.check(runtime)


def test_a_process_that_dies_between_call_and_store_is_charged_and_followed(
    runtime: Runtime, teacher: RunningTeacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_semantic(runtime, teacher.base_url)
    lost = make_embedder(runtime)

    def dies(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr(embedding, "store_answers", dies)
    with pytest.raises(SystemExit):
        admit(runtime, new_indexes(), job.pool_id, lost)
    monkeypatch.undo()
    reserved = jobs.get(runtime, job.id).reserved_micro_usd
    assert reserved > 0
    assert sweep(runtime).orphans == 0  # it may live
    calls = scalar(runtime, "SELECT count(*) FROM embedding_calls")
    execute(runtime, "UPDATE workers SET heartbeat_at = now() - interval '1 hour'")
    assert sweep(runtime).orphans == calls
    after = jobs.get(runtime, job.id)
    assert (after.spent_micro_usd, after.reserved_micro_usd) == (reserved, 0)
    invariants.check(runtime)
    heir = make_embedder(runtime)
    assert admit(runtime, new_indexes(), job.pool_id, heir) == len(TEXTS)
    heir.close()
    lost.close()
    bought_once(runtime)
    invariants.check(runtime)


def test_vectors_that_come_after_the_lease_was_lost_are_kept_and_not_charged_again(
    runtime: Runtime, embedder: Embedder, teacher: RunningTeacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_semantic(runtime, teacher.base_url)
    store = embedding.store_answers
    charged: list[int] = []

    def late(*given: Any) -> Any:
        if not charged:
            execute(runtime, "UPDATE workers SET heartbeat_at = now() - interval '1 hour'")
            sweep(runtime)
            charged.append(jobs.get(runtime, job.id).spent_micro_usd)
        return store(*given)

    monkeypatch.setattr(embedding, "store_answers", late)
    assert admit(runtime, new_indexes(), job.pool_id, embedder) == len(TEXTS)
    progress = jobs.progress(runtime, job.id)
    assert progress.errors["late_embedding"] == progress.errors["embedder_worker_lost"] > 0
    assert scalar(runtime, "SELECT sum(texts) FROM embedding_calls") == scalar(
        runtime, "SELECT count(*) FROM embeddings"
    )
    invariants.check(runtime)


def test_postgres_away_after_a_reply_loses_nothing_paid(
    runtime: Runtime, embedder: Embedder, teacher: RunningTeacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_semantic(runtime, teacher.base_url)
    store = embedding.store_answers
    tries: list[int] = []

    def away_once(*given: Any) -> Any:
        tries.append(1)
        if len(tries) == 1:
            raise Unavailable("away")
        return store(*given)

    monkeypatch.setattr(embedding, "store_answers", away_once)
    assert admit(runtime, new_indexes(), job.pool_id, embedder) == len(TEXTS)
    bought_once(runtime)
    invariants.check(runtime)


def finish_admission(runtime: Runtime, job: Job, embedder: Embedder, rounds: int = 60) -> Job:
    """Admit until nothing waits or the job stands still, without the embedder's rests."""
    for _ in range(rounds):
        execute(runtime, "UPDATE jobs SET embedder_not_before = NULL")
        admit(runtime, new_indexes(), job.pool_id, embedder)
        after = jobs.get(runtime, job.id)
        waiting = [x for x in found(runtime, job).values() if x.state is CandidateState.PROPOSED]
        if after.state is not JobState.RUNNING or not waiting:
            return after
    raise AssertionError(jobs.progress(runtime, job.id))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_faults_in_between_lose_nothing(runtime: Runtime, embedder: Embedder, seed: int) -> None:
    mix = {"500": 0.15, "429": 0.1, "reset": 0.1, "truncated": 0.1}
    with start_demo_teacher(latency_s=0.0, seed=seed, faults=mix, retry_after_s=0.1) as teacher:
        job = make_semantic(runtime, teacher.base_url)
        for number in range(1, 12):
            propose(runtime, job, [f"thing {number} {'abcdefghijkl'[number] * 5}"], number=number)
            ended = finish_admission(runtime, job, embedder)
            invariants.check(runtime)
            if ended.state is JobState.PAUSED:
                assert ended.reason == "embedder_unhealthy"
                jobs.resume(runtime, job.id)
    assert found(runtime, job)[TEXTS[1]].reasons == ("semantic",)
    assert any(name.startswith("embedder_") for name in jobs.progress(runtime, job.id).errors)
    bought_once(runtime)


@pytest.mark.parametrize(
    ("options", "reason", "words"),
    [
        ({"unauthorized_after": 0}, "embedder_unauthorized", "embedder embedder"),
        ({"quota_after": 0}, "embedder_quota", "embedder embedder"),
        ({"faults": {"500": 1.0}}, "embedder_unhealthy", "had an error"),
        ({"faults": {"html": 1.0}}, "embedder_unhealthy", "embedder"),
        ({"faults": {"reset": 1.0}}, "embedder_unhealthy", "broke"),
        ({"faults": {"refuse": 1.0}}, "embedder_refused", "refused"),
    ],
)
def test_an_embedder_that_does_not_serve_pauses_the_job_with_its_words(
    runtime: Runtime, embedder: Embedder, options: Any, reason: str, words: str
) -> None:
    with start_demo_teacher(latency_s=0.0, **options) as teacher:
        job = make_semantic(runtime, teacher.base_url)
        ended = finish_admission(runtime, job, embedder)
        assert (ended.state, ended.reason) == (JobState.PAUSED, reason)
        assert ended.detail is not None
        assert words in ended.detail
        assert "embedder" in ended.detail
        calls = scalar(runtime, "SELECT count(*) FROM embedding_calls")
        assert admit(runtime, new_indexes(), job.pool_id, embedder) == 0
        assert scalar(runtime, "SELECT count(*) FROM embedding_calls") == calls
    assert not jobs.progress(runtime, job.id).drops
    assert sweep(runtime).pools == 0
    invariants.check(runtime)


def test_an_embedder_that_is_away_costs_nothing(runtime: Runtime, embedder: Embedder) -> None:
    job = make_semantic(runtime, "http://127.0.0.1:9/v1")
    ended = finish_admission(runtime, job, embedder)
    assert (ended.reason, ended.spent_micro_usd) == ("embedder_unhealthy", 0)


def test_a_failure_is_followed_by_a_rest(runtime: Runtime, embedder: Embedder) -> None:
    with start_demo_teacher(latency_s=0.0, faults={"429_seconds": 1.0}, retry_after_s=60) as away:
        job = make_semantic(runtime, away.base_url)
        assert admit(runtime, new_indexes(), job.pool_id, embedder) == 0
        left = "SELECT extract(epoch FROM embedder_not_before - now()) FROM jobs"
        assert 40 < scalar(runtime, left) <= 61
        calls = scalar(runtime, "SELECT count(*) FROM embedding_calls")
        assert admit(runtime, new_indexes(), job.pool_id, embedder) == 0
        assert scalar(runtime, "SELECT count(*) FROM embedding_calls") == calls
    assert jobs.get(runtime, job.id).state is JobState.RUNNING
    invariants.check(runtime)


def test_a_refused_text_drops_its_candidate_and_no_other(
    runtime: Runtime, embedder: Embedder
) -> None:
    with start_demo_teacher(latency_s=0.0, seed=5, faults={"refuse": 0.3}) as teacher:
        ended = job = make_semantic(runtime, teacher.base_url)
        for number in range(1, 20):
            texts = [f"item {number} {'qwertzuiopasdfghjklyxcv'[number] * 4}"]
            propose(runtime, job, texts, number=number)
            ended = finish_admission(runtime, job, embedder)
    assert ended.state is JobState.RUNNING
    drops = jobs.progress(runtime, job.id).drops
    refused = [x for x in found(runtime, job).values() if x.reasons == ("embedding_refused",)]
    assert len(refused) == drops["embedding_refused"] > 0
    assert {each.state for each in refused} == {CandidateState.REJECTED}
    assert any(x.state is CandidateState.NOVEL for x in found(runtime, job).values())
    whole = "SELECT count(*) FROM embedding_calls WHERE outcome = 'refused' AND texts > 1"
    assert scalar(runtime, whole) > 0
    alone = "SELECT count(*) FROM embedding_calls WHERE outcome = 'refused' AND texts = 1"
    assert scalar(runtime, alone) == len(refused)
    seeds = scalar(runtime, "SELECT count(DISTINCT text) FROM pool_rows WHERE kind = 'seed'")
    rows = scalar(runtime, "SELECT count(*) FROM candidates WHERE state <> 'rejected'")
    assert scalar(runtime, "SELECT count(*) FROM embeddings") == seeds + rows
    bought_once(runtime)
    invariants.check(runtime)


def test_another_model_makes_all_vectors_anew(
    runtime: Runtime, embedder: Embedder, teacher: RunningTeacher
) -> None:
    job = make_semantic(runtime, teacher.base_url)
    indexes = new_indexes()
    admit(runtime, indexes, job.pool_id, embedder)
    before = scalar(runtime, "SELECT count(*) FROM embeddings")
    assert job.embedder_id is not None
    teachers.change(runtime, job.embedder_id, {"extra_body": {"dimensions": 64}})
    propose(runtime, job, ["something else that was never asked before"], number=9)
    assert admit(runtime, indexes, job.pool_id, embedder) == 1
    rows = scalar(runtime, "SELECT count(DISTINCT text) FROM pool_rows")
    assert scalar(runtime, "SELECT count(*) FROM embeddings") == before + rows


def test_vectors_of_another_size_are_refused_in_words(
    runtime: Runtime, embedder: Embedder, teacher: RunningTeacher
) -> None:
    job = make_semantic(runtime, teacher.base_url)
    admit(runtime, new_indexes(), job.pool_id, embedder)
    execute(runtime, "UPDATE embeddings SET vector = substring(vector FROM 1 FOR 40)")
    propose(runtime, job, ["something else that was never asked before"], number=9)
    ended = finish_admission(runtime, job, embedder)
    assert ended.reason == "embedder_unhealthy"
    assert "256 numbers, earlier ones have 10" in str(ended.detail)


def test_an_embedder_is_tried_with_one_text(runtime: Runtime, teacher: RunningTeacher) -> None:
    report = teachers.check(runtime, add_embedder(runtime, teacher.base_url))
    assert report.text == "a vector of 256 numbers"


def test_a_whole_job_with_two_workers(
    runtime: Runtime, driver: Driver, teacher: RunningTeacher
) -> None:
    details = jobs.JobDetails(
        seed_set_id=add_seeds(runtime),
        teacher_id=add_teacher(runtime, teacher.base_url).id,
        target_rows=40,
        options={"semantic_threshold": 0.6, "threshold": 0.9},
        embedder_id=add_embedder(runtime, teacher.base_url),
    )
    job = jobs.submit(runtime, details)
    with running_driver(runtime) as second:
        helper = threading.Thread(target=lambda: [second.step(job.id) for _ in range(3)])
        helper.start()
        ended = driver.finish(job.id)
        helper.join()
    assert (ended.state, ended.reason) == (JobState.SUCCEEDED, "target_reached")
    assert ended.reserved_micro_usd == 0
    assert jobs.progress(runtime, job.id).drops["semantic"] > 0
    bought_once(runtime)
    invariants.check(runtime)
    jobs.delete(runtime, job.id)
    assert scalar(runtime, "SELECT count(*) FROM embedding_calls") == 0


def test_a_job_ends_once_its_embedding_calls_are_settled(
    runtime: Runtime, embedder: Embedder, teacher: RunningTeacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_semantic(runtime, teacher.base_url)
    context = load(runtime, SeedCache(), job.id)
    store = embedding.store_answers
    states: list[JobState | None] = []

    def cancelled_meanwhile(*given: Any) -> Any:
        jobs.cancel(runtime, job.id)
        states.append(plan(runtime, context))
        return store(*given)

    monkeypatch.setattr(embedding, "store_answers", cancelled_meanwhile)
    assert admit(runtime, new_indexes(), job.pool_id, embedder) == 0
    states.append(plan(runtime, context))
    assert states == [JobState.CANCELLING, JobState.CANCELLED]
    assert jobs.get(runtime, job.id).reserved_micro_usd == 0
    bought_once(runtime)
    invariants.check(runtime)
