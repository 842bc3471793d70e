"""Training runs of the service: who may train, and what becomes of kills, stops and failures."""

import json
import os
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from app.db.tables import training_runs
from app.domain.lifecycle import TRAINING_MOVES, StopMode, TrainingState
from app.domain.stored import TrainingRecord
from app.errors import Conflict, InvalidInput, NotFound
from app.runtime import Runtime
from app.use_cases import exports, jobs, training, training_losses
from app.use_cases.sweep import sweep
from app.use_cases.training import TrainingWish
from app.use_cases.training_runner import train
from tests.api.stored_job import stored_job
from tests.driving import running_runtime
from tests.stand_in_trainer import UNTIL_STOPPED, stand_in

Bodied = Callable[[str], Runtime]


@pytest.fixture
def plain(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    """A runtime with one base model, named rose."""
    base = tmp_path / "models" / "rose"
    base.mkdir(parents=True)
    with running_runtime(database_url, tmp_path / "home", base_models=str(base)) as runtime:
        stored_job(runtime)
        yield runtime


@pytest.fixture
def with_trainer(plain: Runtime, tmp_path: Path) -> Bodied:
    """The runtime with a trainer that does what it is told."""

    def made(body: str) -> Runtime:
        name = f"trainer-{len(list(tmp_path.glob('trainer-*')))}"
        python = stand_in(tmp_path, body, name)
        return replace(plain, settings=plain.settings.model_copy(update={"train_python": python}))

    return made


def queued_export(runtime: Runtime, kind: str = "alpaca_jsonl") -> UUID:
    job_id = jobs.page(runtime).items[0].job.id
    return exports.request(runtime, job_id, kind).id


def ready_export(runtime: Runtime, kind: str = "alpaca_jsonl") -> UUID:
    export_id = queued_export(runtime, kind)
    exports.make(runtime, export_id)
    return export_id


def requested(runtime: Runtime, **more: Any) -> UUID:
    wish = TrainingWish(export_id=ready_export(runtime), base_model="rose", **more)
    return training.request(runtime, wish).id


def in_thread(runtime: Runtime, run_id: UUID, leaving: threading.Event | None = None) -> Any:
    thread = threading.Thread(target=train, args=(runtime, run_id, leaving))
    thread.start()
    return thread


def wait_for(runtime: Runtime, run_id: UUID, wanted: Callable[[TrainingRecord], bool]) -> None:
    deadline = time.monotonic() + 30
    while not wanted(record := training.get(runtime, run_id)):
        assert time.monotonic() < deadline, record
        time.sleep(0.05)


def steps(record: TrainingRecord) -> bool:
    return bool(record.progress) and "step" in (record.progress or {})


def test_from_an_export_to_a_result(with_trainer: Bodied, tmp_path: Path) -> None:
    runtime = with_trainer("tell(phase='train', step=2, max_steps=2); leave(steps=2)")
    run_id = requested(runtime, settings={"rank": 4})
    train(runtime, run_id)
    record = training.get(runtime, run_id)
    assert (record.state, record.metrics) == (TrainingState.SUCCEEDED, {"steps": 2})
    assert record.progress == {"phase": "train", "step": 2, "max_steps": 2}
    assert record.started_at is not None
    assert record.finished_at is not None
    folder = training.run_folder(runtime, run_id)
    config = json.loads((folder / "config.json").read_text())
    assert config == {"base_model": str(tmp_path / "models/rose"), "method": "lora", "rank": 4}
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["source"]["export"]["seed_set"]["name"] == "garden"
    _, path = training.archive(runtime, run_id)
    with tarfile.open(path) as archive:
        assert "adapter/weights" in archive.getnames()
        assert "data.jsonl" not in archive.getnames()
    training.delete(runtime, run_id)
    assert not folder.exists()
    assert not path.exists()


def test_one_that_only_counts_leaves_its_plan(with_trainer: Bodied) -> None:
    runtime = with_trainer(
        "assert '--dry-run' in sys.argv\n"
        "open(os.path.join(folder, 'plan.json'), 'w').write(json.dumps({'steps': 7}))"
    )
    run_id = requested(runtime, dry_run=True, settings={"rank": 4})
    train(runtime, run_id)
    record = training.get(runtime, run_id)
    assert (record.state, record.plan, record.metrics) == (
        TrainingState.SUCCEEDED,
        {"steps": 7},
        None,
    )
    assert not training.run_folder(runtime, run_id).exists(), "the rows were copied for nothing"
    with pytest.raises(Conflict, match="only counted"):
        training.archive(runtime, run_id)
    again = training.like(runtime, run_id)
    assert (again.dry_run, again.settings, again.state) == (False, {"rank": 4}, "queued")


def test_one_whose_time_is_up_is_stopped_with_its_reason(with_trainer: Bodied) -> None:
    """Not queued again, as one whose worker leaves."""
    runtime = with_trainer(UNTIL_STOPPED)
    run_id = requested(runtime, settings={"max_hours": 0.0002})
    train(runtime, run_id)
    record = training.get(runtime, run_id)
    assert (record.state, record.error_code) == (TrainingState.STOPPED, "training_too_long")
    assert record.error == "It was saved and stopped after 0.0002 hours, as max_hours says."
    assert training.resume(runtime, run_id).error is None


def test_the_course_of_the_loss(with_trainer: Bodied) -> None:
    runtime = with_trainer(
        "for step in (1, 2, 3): tell(phase='train', step=step, max_steps=9, loss=3.0 / step)\n"
        "tell(phase='eval', step=3, held_out_loss=1.5)\n"
        "for step in (2, 3, 4): tell(phase='train', step=step, loss=2.0 / step)\n"
        "tell(phase='train', step=5, loss=None); leave()"
    )
    run_id = requested(runtime)
    assert training_losses.losses(runtime, run_id) == ()
    train(runtime, run_id)
    found = training_losses.losses(runtime, run_id)
    assert [(each.step, each.loss) for each in found if each.loss] == [
        *((1, 3.0), (2, 1.0), (3, 2.0 / 3), (4, 0.5))
    ]
    assert [(e.step, e.held_out_loss) for e in found if e.held_out_loss] == [(3, 1.5)]
    path = training.run_folder(runtime, run_id) / "progress.jsonl"
    lines = [json.dumps({"step": step, "loss": 1.0}) for step in range(1, 5001)]
    path.write_text("\n".join([*lines, '{"step": 5001, "lo']))
    found = training_losses.losses(runtime, run_id)
    assert len(found) == training_losses.MOST_POINTS
    assert found[-1].step == 5000


def test_the_files_of_a_result(with_trainer: Bodied) -> None:
    runtime = with_trainer("leave(steps=1)")
    run_id = requested(runtime)
    with pytest.raises(Conflict, match="only one that succeeded"):
        training.result_files(runtime, run_id)
    train(runtime, run_id)
    found = training.result_files(runtime, run_id)
    assert list(found) == ["README.md", "adapter/weights", "metrics.json", "report.json"]


def test_two_workers_and_one_run(with_trainer: Bodied) -> None:
    runtime = with_trainer("tell(pid=os.getpid()); time.sleep(1); leave()")
    run_id = requested(runtime)
    threads = [in_thread(runtime, run_id) for _ in range(3)]
    for thread in threads:
        thread.join()
    record = training.get(runtime, run_id)
    assert (record.state, record.attempt) == (TrainingState.SUCCEEDED, 1)
    told = (training.run_folder(runtime, run_id) / "progress.jsonl").read_text().splitlines()
    assert len(told) == 1


def test_whoever_lost_the_lease_ends_its_trainer(with_trainer: Bodied) -> None:
    first = with_trainer(f"tell(pid=os.getpid())\n{UNTIL_STOPPED}")
    run_id = requested(first)
    thread = in_thread(first, run_id)
    wait_for(first, run_id, steps)
    process = int(str((training.get(first, run_id).progress or {})["pid"]))
    with first.database.transaction() as connection:
        gone = sa.text("clock_timestamp() - interval '1 minute'")
        connection.execute(training_runs.update().values(leased_until=gone, worker="other:1"))
    second = with_trainer("tell(phase='train', step=9); leave(steps=9)")
    train(second, run_id)
    thread.join(20)
    assert not thread.is_alive()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    record = training.get(first, run_id)
    assert (record.state, record.attempt, record.lost) == (TrainingState.SUCCEEDED, 2, 1)
    assert record.metrics == {"steps": 9}


def test_a_run_that_loses_its_workers_comes_to_an_end(with_trainer: Bodied) -> None:
    runtime = with_trainer("leave()")
    run_id = requested(runtime)
    with runtime.database.transaction() as connection:
        gone = sa.text("clock_timestamp() - interval '1 minute'")
        lost = {"state": "running", "attempt": 3, "lost": 2, "leased_until": gone}
        connection.execute(training_runs.update().values(**lost))
    assert sweep(runtime).training_runs == 1
    train(runtime, run_id)
    record = training.get(runtime, run_id)
    assert (record.state, record.error_code) == (TrainingState.FAILED, "worker_lost")
    training.resume(runtime, run_id)
    train(runtime, run_id)
    assert training.get(runtime, run_id).state is TrainingState.SUCCEEDED


def test_stopped_with_a_checkpoint_and_gone_on_with(with_trainer: Bodied) -> None:
    runtime = with_trainer(UNTIL_STOPPED)
    run_id = requested(runtime)
    thread = in_thread(runtime, run_id)
    wait_for(runtime, run_id, steps)
    assert training.stop(runtime, run_id, StopMode.SAVE).state is TrainingState.STOPPING
    thread.join(20)
    assert training.get(runtime, run_id).state is TrainingState.STOPPED
    assert training.run_folder(runtime, run_id).exists()
    with pytest.raises(Conflict, match="nothing to stop"):
        training.stop(runtime, run_id, StopMode.SAVE)
    assert training.resume(runtime, run_id).state is TrainingState.QUEUED
    train(with_trainer("leave()"), run_id)
    assert training.get(runtime, run_id).state is TrainingState.SUCCEEDED


def test_stopped_for_good(with_trainer: Bodied) -> None:
    runtime = with_trainer(UNTIL_STOPPED)
    waiting, run_id = requested(runtime), requested(runtime)
    assert training.stop(runtime, waiting, StopMode.SAVE).state is TrainingState.CANCELLED
    train(runtime, waiting)
    assert training.get(runtime, waiting).attempt == 0, "it was never taken"
    thread = in_thread(runtime, run_id)
    wait_for(runtime, run_id, steps)
    with pytest.raises(Conflict, match="stop it first"):
        training.delete(runtime, run_id)
    training.stop(runtime, run_id, StopMode.DISCARD)
    thread.join(20)
    assert training.get(runtime, run_id).state is TrainingState.CANCELLED
    assert not training.run_folder(runtime, run_id).exists()
    with pytest.raises(Conflict, match="only a stopped or failed one"):
        training.resume(runtime, run_id)


def test_a_worker_that_leaves_lets_another_go_on(with_trainer: Bodied) -> None:
    runtime, leaving = with_trainer(UNTIL_STOPPED), threading.Event()
    run_id = requested(runtime)
    thread = in_thread(runtime, run_id, leaving)
    wait_for(runtime, run_id, steps)
    leaving.set()
    thread.join(20)
    record = training.get(runtime, run_id)
    assert (record.state, record.finished_at) == (TrainingState.QUEUED, None)
    assert sweep(runtime).training_runs == 1


def test_a_stop_whose_worker_is_lost_is_done_by_the_sweep(with_trainer: Bodied) -> None:
    runtime = with_trainer("leave()")
    for mode, ended in ((StopMode.SAVE, "stopped"), (StopMode.DISCARD, "cancelled")):
        run_id = requested(runtime)
        with runtime.database.transaction() as connection:
            gone = sa.text("clock_timestamp() - interval '1 minute'")
            held = {"state": "stopping", "stop_mode": mode, "leased_until": gone}
            query = training_runs.update().where(training_runs.c.id == run_id)
            connection.execute(query.values(**held))
        sweep(runtime)
        assert training.get(runtime, run_id).state == ended


def test_failures_keep_the_trainers_words(with_trainer: Bodied) -> None:
    runtime = with_trainer("error('There is no CUDA GPU here.'); sys.exit(11)")
    run_id = requested(runtime)
    train(runtime, run_id)
    record = training.get(runtime, run_id)
    assert (record.state, record.error_code) == (TrainingState.FAILED, "training_no_device")
    assert record.error == "There is no CUDA GPU here."
    with pytest.raises(Conflict, match="only one that succeeded"):
        training.archive(runtime, run_id)


def test_what_cannot_be_trained_is_refused(plain: Runtime) -> None:
    export_id = ready_export(plain)

    def refused(**given: Any) -> dict[str, str]:
        wish = TrainingWish(**{"export_id": export_id, "base_model": "rose", **given})
        with pytest.raises(InvalidInput) as raised:
            training.request(plain, wish)
        return {each.pointer: each.code for each in raised.value.problems}

    assert refused(base_model="tulip") == {"/base_model": "unknown_base_model"}
    assert refused(method="lorra") == {"/method": "wrong_type"}
    assert refused(settings={"rank": 0}) == {"/settings/rank": "out_of_range"}
    assert refused(settings={"base_model": "/etc"}) == {"/settings/base_model": "unknown_field"}
    assert refused(export_id=ready_export(plain, "baize")) == {"/export_id": "unknown_format"}
    unknown = TrainingWish(export_id=UUID(int=1), base_model="rose")
    with pytest.raises(NotFound):
        training.request(plain, unknown)
    waiting = TrainingWish(export_id=queued_export(plain), base_model="rose")
    with pytest.raises(Conflict, match="only a ready one"):
        training.request(plain, waiting)


def test_every_state_is_in_the_table_of_moves() -> None:
    assert set(TRAINING_MOVES) == set(TrainingState)
    assert not TRAINING_MOVES[TrainingState.SUCCEEDED]
