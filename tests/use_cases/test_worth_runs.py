"""Worth curves of the service: gathered from an export and its job, stopped, gone on with."""

import json
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.domain.lifecycle import StopMode, TrainingState
from app.domain.worth import WorthPlan
from app.errors import Conflict, InvalidInput, NotFound
from app.runtime import Runtime
from app.use_cases import exports, jobs, seed_sets, training, worth_results
from app.use_cases.jobs import JobDetails
from app.use_cases.seed_sets import SeedSetDetails
from app.use_cases.training import TrainingWish
from app.use_cases.training_runner import train
from tests.api.stored_job import stored_job, stored_rows, stored_teacher
from tests.driving import running_runtime
from tests.stand_in_trainer import UNTIL_STOPPED, stand_in
from tests.use_cases.test_worth import TRAINER

Bodied = Callable[[str], Runtime]
PLAN = WorthPlan(shares=(0.5, 1.0), repeats=1)


@pytest.fixture
def plain(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    base = tmp_path / "models" / "rose"
    base.mkdir(parents=True)
    with running_runtime(database_url, tmp_path / "home", base_models=str(base)) as runtime:
        yield runtime


@pytest.fixture
def with_trainer(plain: Runtime, tmp_path: Path) -> Bodied:
    def made(body: str) -> Runtime:
        name = f"trainer-{len(list(tmp_path.glob('trainer-*')))}"
        python = stand_in(tmp_path, body, name)
        return replace(plain, settings=plain.settings.model_copy(update={"train_python": python}))

    return made


@pytest.fixture
def export_id(plain: Runtime) -> UUID:
    """Of ten rows; the job has two seeds with answers, and a row that a filter dropped."""
    seeds = [
        b'{"instruction": "Name tree %d.", "instances": [{"input": "", "output": "oak"}]}\n' % at
        for at in range(2)
    ]
    seed_set_id = seed_sets.add(plain, SeedSetDetails("trees"), seeds).seed_set.id
    job = jobs.submit(plain, JobDetails(seed_set_id, stored_teacher(plain), 10))
    stored_rows(plain, job, row_count=10, rejected_output="It is nothing.")
    return made_export(plain, job.id)


def made_export(runtime: Runtime, job_id: UUID) -> UUID:
    export_id = exports.request(runtime, job_id, "alpaca_jsonl").id
    exports.make(runtime, export_id)
    return export_id


def requested(runtime: Runtime, export_id: UUID, **more: Any) -> UUID:
    given = {"held_out": 0.3, "worth": PLAN, **more}
    wish = TrainingWish(export_id=export_id, base_model="rose", **given)
    return training.request(runtime, wish).id


def data_of(runtime: Runtime, run_id: UUID, arm: str) -> list[dict[str, Any]]:
    path = training.run_folder(runtime, run_id) / "curve" / "runs" / arm / "data.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_rows_seeds_and_pool_become_one_curve(with_trainer: Bodied, export_id: UUID) -> None:
    runtime = with_trainer(TRAINER)
    run_id = requested(runtime, export_id, settings={"rank": 4})
    with pytest.raises(Conflict, match="no point yet"):
        worth_results.so_far(runtime, run_id)
    train(runtime, run_id)
    record = training.get(runtime, run_id)
    assert (record.state, record.error) == (TrainingState.SUCCEEDED, None)
    found = worth_results.so_far(runtime, run_id)
    assert record.metrics == found
    counts = {(each["source"], each["share"]): each["rows"] for each in found["points"]}
    whole = counts["rows", 1.0]
    assert 0 < whole < 10
    assert counts == {
        ("rows", 0.5): round(whole / 2),
        ("rows", 1.0): whole,
        ("seeds", 1.0): 2,
        ("pool", 1.0): whole,
    }
    assert record.progress is not None
    assert (record.progress["run"], record.progress["runs"]) == (4, 4)
    assert record.progress["arm"] == "pool-100-0"
    learnt = {row["completion"] for row in data_of(runtime, run_id, "seeds-100-0")}
    assert "oak" in learnt
    pooled = training.run_folder(runtime, run_id) / "material" / "pool.jsonl"
    assert "It is nothing." in pooled.read_text()
    assert list(training.result_files(runtime, run_id)) == ["worth.json", "worth.svg"]
    _, path = training.archive(runtime, run_id)
    with tarfile.open(path) as archive:
        assert archive.getnames() == ["worth.json", "worth.svg"]
    assert worth_results.picture(found).startswith("<svg ")
    training.delete(runtime, run_id)
    assert not training.run_folder(runtime, run_id).exists()


def test_without_seeds_or_drops_there_are_only_the_rows(with_trainer: Bodied) -> None:
    runtime = with_trainer(TRAINER)
    job = stored_job(runtime, row_count=10, target_rows=10).job
    run_id = requested(runtime, made_export(runtime, job.id), worth=replace(PLAN, pool=False))
    train(runtime, run_id)
    assert worth_results.so_far(runtime, run_id)["runs"] == {"done": 2, "of": 2}


def test_stopped_it_goes_on_and_outlives_its_export(with_trainer: Bodied, export_id: UUID) -> None:
    halting = f"if folder.endswith('rows-100-0'):\n {UNTIL_STOPPED.replace(chr(10), chr(10) + ' ')}"
    first = with_trainer(f"{halting}\n{TRAINER}")
    run_id = requested(first, export_id)
    thread = threading.Thread(target=train, args=(first, run_id))
    thread.start()
    _wait_until_second(first, run_id)
    assert worth_results.so_far(first, run_id)["runs"] == {"done": 1, "of": 4}
    training.stop(first, run_id, StopMode.SAVE)
    thread.join(20)
    assert training.get(first, run_id).state is TrainingState.STOPPED
    exports.delete(first, export_id)
    training.resume(first, run_id)
    second = with_trainer(TRAINER)
    train(second, run_id)
    record = training.get(second, run_id)
    assert (record.state, record.error) == (TrainingState.SUCCEEDED, None)
    told = training.run_folder(second, run_id) / "curve" / "runs" / "rows-50-0" / "progress.jsonl"
    assert len(told.read_text().splitlines()) == 1, "what was done is not done again"


def _wait_until_second(runtime: Runtime, run_id: UUID) -> None:
    asleep = threading.Event()
    for _ in range(600):
        told = training.get(runtime, run_id).progress or {}
        if told.get("run") == 2:
            return
        asleep.wait(0.05)
    raise AssertionError(training.get(runtime, run_id))


def test_a_failure_names_the_training(with_trainer: Bodied, export_id: UUID) -> None:
    runtime = with_trainer("error('There is no CUDA GPU here.'); sys.exit(11)")
    run_id = requested(runtime, export_id)
    train(runtime, run_id)
    record = training.get(runtime, run_id)
    assert (record.state, record.error_code) == (TrainingState.FAILED, "training_no_device")
    assert record.error == "rows-50-0: There is no CUDA GPU here."


def test_stopped_for_good_nothing_stays(with_trainer: Bodied, export_id: UUID) -> None:
    runtime = with_trainer(UNTIL_STOPPED)
    run_id = requested(runtime, export_id)
    leaving = threading.Thread(target=train, args=(runtime, run_id))
    leaving.start()
    for _ in range(600):
        if (training.get(runtime, run_id).progress or {}).get("step"):
            break
        threading.Event().wait(0.05)
    training.stop(runtime, run_id, StopMode.DISCARD)
    leaving.join(20)
    assert training.get(runtime, run_id).state is TrainingState.CANCELLED
    assert not training.run_folder(runtime, run_id).exists()


def test_what_cannot_be_is_refused(plain: Runtime, export_id: UUID) -> None:
    def refused(plan: WorthPlan, **more: Any) -> dict[str, str]:
        with pytest.raises(InvalidInput) as raised:
            requested(plain, export_id, worth=plan, **more)
        return {each.pointer: each.code for each in raised.value.problems}

    assert refused(WorthPlan(shares=())) == {"/worth/shares": "out_of_range"}
    assert refused(WorthPlan(shares=(0.0, 1.0))) == {"/worth/shares": "out_of_range"}
    assert refused(WorthPlan(shares=(float("nan"),))) == {"/worth/shares": "out_of_range"}
    assert refused(WorthPlan(repeats=0)) == {"/worth/repeats": "out_of_range"}
    assert refused(WorthPlan(), dry_run=True) == {"/dry_run": "conflicting"}
    plainly = requested(plain, export_id, worth=None)
    with pytest.raises(NotFound, match="not a worth curve"):
        worth_results.so_far(plain, plainly)
