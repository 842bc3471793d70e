"""Comparisons of the service over a real judge: kept, capped, stopped, killed, gone on with."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from aiohttp import web

from app.db import training_runs
from app.db.comparison_tables import comparisons as table
from app.db.comparison_tables import judgements
from app.db.ids import new_id
from app.domain.lifecycle import TrainingState
from app.errors import Conflict, InvalidInput, NotFound
from app.runtime import Runtime
from app.use_cases import comparisons, teachers, training
from app.use_cases.comparison_runner import make
from app.use_cases.comparisons import ComparisonWish
from app.use_cases.sweep import sweep
from tests.api.stored_job import stored_teacher
from tests.driving import running_runtime
from tests.llm.scripted_teacher import ScriptedTeacher, answers, completion, scripted_teacher

_GONE = sa.text("clock_timestamp() - interval '1 minute'")


@pytest.fixture
def runtime(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    with running_runtime(database_url, tmp_path / "home") as runtime:
        yield runtime


def trained(runtime: Runtime, word: str = "stork", count: int = 4) -> UUID:
    """A run that succeeded, and the answers that it left."""
    run_id = new_id()
    folder = training.run_folder(runtime, run_id)
    folder.mkdir(parents=True)
    for name, said in ((comparisons.BEFORE, "owl"), (comparisons.AFTER, word)):
        rows = [
            {"id": str(n), "prompt": f"Name bird {n}.", "response": f"{said} {n}\0"}
            for n in range(count)
        ]
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    training.archive_path(runtime, run_id).write_bytes(b"tar")
    values = {"id": run_id, "base_model": "rose", "method": "lora", "settings": {}, "held_out": 0.1}
    with runtime.database.transaction() as connection:
        training_runs.insert(connection, {**values, "state": TrainingState.SUCCEEDED})
    return run_id


async def prefers_storks(request: web.Request) -> web.StreamResponse:
    text = (await request.json())["messages"][-1]["content"]
    stork_first = text.index("stork") < text.index("owl")
    return web.Response(body=completion(f"Better: {'A' if stork_first else 'B'}"))


@pytest.fixture
def storks() -> Iterator[ScriptedTeacher]:
    with scripted_teacher(prefers_storks) as teacher:
        yield teacher


def judge(runtime: Runtime, teacher: ScriptedTeacher, **more: Any) -> UUID:
    prices = {"input_micro_usd_per_million": 10**6, "output_micro_usd_per_million": 10**6}
    return stored_teacher(runtime, base_url=teacher.base_url, **{**prices, **more})


def made(runtime: Runtime, comparison_id: UUID) -> Any:
    make(runtime, comparison_id)
    return comparisons.get(runtime, comparison_id)


def test_the_better_model_wins_and_nothing_is_bought_twice(
    runtime: Runtime, storks: ScriptedTeacher
) -> None:
    run_id, teacher_id = trained(runtime), judge(runtime, storks)
    first = comparisons.request(runtime, ComparisonWish(run_id=run_id, teacher_id=teacher_id))
    assert (first.state, first.done, first.total) == (TrainingState.QUEUED, 0, 8)
    with pytest.raises(Conflict, match="is not over"):
        comparisons.request(runtime, ComparisonWish(run_id=run_id, teacher_id=teacher_id))
    ended = made(runtime, first.id)
    assert (ended.state, ended.error) == (TrainingState.SUCCEEDED, None)
    assert (ended.done, ended.calls, ended.spent_micro_usd) == (8, 8, 80)
    found = ended.result["comparison"]
    assert ended.result["simulated"] is False
    assert (found["wins"], found["n"], found["win_rate"], found["first_place"]) == (4, 4, 1.0, 0.5)
    make(runtime, first.id)
    again = comparisons.request(runtime, ComparisonWish(run_id=run_id, teacher_id=teacher_id))
    repeated = made(runtime, again.id)
    assert (repeated.done, repeated.calls, repeated.spent_micro_usd) == (8, 0, 0)
    assert repeated.result["comparison"] == found
    assert len(storks.arrivals) == 8
    assert [each.id for each in comparisons.page(runtime, run_id).items] == [again.id, first.id]
    comparisons.delete(runtime, first.id)
    with pytest.raises(NotFound):
        comparisons.get(runtime, first.id)


def test_two_tuned_models_are_held_against_each_other(
    runtime: Runtime, storks: ScriptedTeacher
) -> None:
    owls, run_id = trained(runtime, "owl"), trained(runtime)
    wish = ComparisonWish(run_id=run_id, against_run_id=owls, teacher_id=judge(runtime, storks))
    ended = made(runtime, comparisons.request(runtime, wish).id)
    assert ended.result["comparison"]["wins"] == 4


def test_no_cap_is_passed_and_the_next_one_goes_on(
    runtime: Runtime, storks: ScriptedTeacher
) -> None:
    run_id, teacher_id = trained(runtime), judge(runtime, storks)
    for cap_calls, cap_micro_usd, done, calls in (
        (3, None, 3, 3),
        (None, 1, 3, 0),
        (9, None, 8, 5),
    ):
        wish = ComparisonWish(
            run_id=run_id,
            teacher_id=teacher_id,
            cap_calls=cap_calls,
            cap_micro_usd=cap_micro_usd,
        )
        ended = made(runtime, comparisons.request(runtime, wish).id)
        assert (ended.state, ended.done, ended.calls) == (TrainingState.SUCCEEDED, done, calls)
    assert len(storks.arrivals) == 8


def test_after_a_kill_what_may_have_been_paid_is_neither_asked_nor_forgotten(
    runtime: Runtime, storks: ScriptedTeacher
) -> None:
    """A judgement without an outcome stands for a call that was under way."""
    run_id, teacher_id = trained(runtime), judge(runtime, storks)
    wish = ComparisonWish(run_id=run_id, teacher_id=teacher_id, cap_calls=3)
    comparison = comparisons.request(runtime, wish)
    make(runtime, comparison.id)
    with runtime.database.transaction() as connection:
        key = connection.execute(sa.select(judgements.c.key).limit(1)).scalar_one()
        lost = {"outcome": None, "text": None, "micro_usd": 5000}
        connection.execute(judgements.update().where(judgements.c.key == key).values(**lost))
        held = {"state": "running", "leased_until": _GONE, "cap_calls": None}
        connection.execute(table.update().values(**held))
    assert sweep(runtime) is not None
    ended = made(runtime, comparison.id)
    assert (ended.state, ended.attempt, ended.calls) == (TrainingState.SUCCEEDED, 2, 8)
    assert ended.spent_micro_usd == 5000 + 7 * 10
    assert len(storks.arrivals) == 8
    assert (ended.result["comparison"]["n"], ended.result["comparison"]["unread"]) == (3, 1)


def test_whoever_lost_it_sends_nothing_more(runtime: Runtime, storks: ScriptedTeacher) -> None:
    run_id, teacher_id = trained(runtime), judge(runtime, storks)
    comparison = comparisons.request(runtime, ComparisonWish(run_id=run_id, teacher_id=teacher_id))
    threads = [threading.Thread(target=make, args=(runtime, comparison.id)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert comparisons.get(runtime, comparison.id).attempt == 1
    assert len(storks.arrivals) == 8


def test_stopped_before_its_turn_and_gone_on_with(
    runtime: Runtime, storks: ScriptedTeacher
) -> None:
    run_id, teacher_id = trained(runtime), judge(runtime, storks)
    comparison = comparisons.request(runtime, ComparisonWish(run_id=run_id, teacher_id=teacher_id))
    with pytest.raises(Conflict, match="only a stopped or failed one"):
        comparisons.resume(runtime, comparison.id)
    assert comparisons.stop(runtime, comparison.id).state is TrainingState.STOPPED
    assert made(runtime, comparison.id).state is TrainingState.STOPPED
    with pytest.raises(Conflict, match="nothing to stop"):
        comparisons.stop(runtime, comparison.id)
    assert comparisons.resume(runtime, comparison.id).state is TrainingState.QUEUED
    assert made(runtime, comparison.id).state is TrainingState.SUCCEEDED


def test_stopped_while_it_asks_what_is_under_way_is_kept(runtime: Runtime) -> None:
    asked, go_on = threading.Event(), threading.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        asked.set()
        while not go_on.is_set():
            await asyncio.sleep(0.02)
        return await prefers_storks(request)

    with scripted_teacher(slow) as teacher:
        run_id, teacher_id = trained(runtime, count=40), judge(runtime, teacher)
        wish = ComparisonWish(run_id=run_id, teacher_id=teacher_id)
        comparison = comparisons.request(runtime, wish)
        thread = threading.Thread(target=make, args=(runtime, comparison.id))
        thread.start()
        assert asked.wait(20)
        assert comparisons.stop(runtime, comparison.id).state is TrainingState.STOPPING
        with pytest.raises(Conflict, match="stop it first"):
            comparisons.delete(runtime, comparison.id)
        threading.Event().wait(1.3)  # until the worker has looked
        go_on.set()
        thread.join(20)
        ended = comparisons.get(runtime, comparison.id)
        assert ended.state is TrainingState.STOPPED
        assert 0 < ended.done == ended.calls < 80
        assert ended.done == len(teacher.arrivals), "all that was asked is kept"


def test_a_worker_that_leaves_lets_another_go_on(runtime: Runtime, storks: ScriptedTeacher) -> None:
    leaving = threading.Event()
    leaving.set()
    run_id, teacher_id = trained(runtime), judge(runtime, storks)
    comparison = comparisons.request(runtime, ComparisonWish(run_id=run_id, teacher_id=teacher_id))
    make(runtime, comparison.id, leaving)
    left = comparisons.get(runtime, comparison.id)
    assert (left.state, left.finished_at) == (TrainingState.QUEUED, None)
    assert made(runtime, comparison.id).state is TrainingState.SUCCEEDED


def test_a_stop_whose_worker_is_lost_is_done_by_the_sweep(
    runtime: Runtime, storks: ScriptedTeacher
) -> None:
    run_id, teacher_id = trained(runtime), judge(runtime, storks)
    comparison = comparisons.request(runtime, ComparisonWish(run_id=run_id, teacher_id=teacher_id))
    with runtime.database.transaction() as connection:
        connection.execute(table.update().values(state="stopping", leased_until=_GONE))
    sweep(runtime)
    assert comparisons.get(runtime, comparison.id).state is TrainingState.STOPPED


def test_one_that_turns_us_away_fails_it_and_costs_nothing(runtime: Runtime) -> None:
    turned_away = answers(b'{"error": {"message": "no such key"}}', 401)
    with scripted_teacher(turned_away) as teacher:
        run_id, teacher_id = trained(runtime), judge(runtime, teacher)
        wish = ComparisonWish(run_id=run_id, teacher_id=teacher_id)
        ended = made(runtime, comparisons.request(runtime, wish).id)
    assert (ended.state, ended.done, ended.spent_micro_usd) == (TrainingState.FAILED, 0, 0)
    assert ended.error


def test_a_judge_that_was_deleted_ends_it(runtime: Runtime, storks: ScriptedTeacher) -> None:
    run_id, teacher_id = trained(runtime), judge(runtime, storks)
    wish = ComparisonWish(run_id=run_id, teacher_id=teacher_id)
    comparison = comparisons.request(runtime, wish)
    teachers.delete(runtime, teacher_id)
    ended = made(runtime, comparison.id)
    assert (ended.state, ended.error) == (
        TrainingState.FAILED,
        "The judge of this comparison was deleted.",
    )


def test_what_cannot_be_compared_is_refused(runtime: Runtime, storks: ScriptedTeacher) -> None:
    run_id, teacher_id = trained(runtime), judge(runtime, storks)

    def refused(**given: Any) -> dict[str, str]:
        wish = ComparisonWish(**{"run_id": run_id, "teacher_id": teacher_id, **given})
        with pytest.raises(InvalidInput) as raised:
            comparisons.request(runtime, wish)
        return {each.pointer: each.code for each in raised.value.problems}

    mute = trained(runtime)
    (training.run_folder(runtime, mute) / comparisons.AFTER).unlink()
    assert refused(run_id=mute) == {"/run_id": "no_answers"}
    assert refused(against_run_id=run_id) == {"/against_run_id": "conflicting"}
    assert refused(language="xx") == {"/language": "wrong_type"}
    assert refused(cap_calls=0) == {"/cap_calls": "out_of_range"}
    prices = {"input_micro_usd_per_million": None, "output_micro_usd_per_million": None}
    unpriced = judge(runtime, storks, name="free?", **prices)
    with pytest.raises(InvalidInput) as raised:
        comparisons.request(
            runtime, ComparisonWish(run_id=run_id, teacher_id=unpriced, cap_micro_usd=5)
        )
    assert raised.value.code == "price_required"
    with pytest.raises(NotFound):
        comparisons.request(runtime, ComparisonWish(run_id=new_id(), teacher_id=teacher_id))
