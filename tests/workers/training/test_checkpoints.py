"""Which checkpoint a run goes on from: the newest that is whole and its own."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from app.domain.training_config import TrainingConfig
from tests.workers.training.handing import hand_over, rows
from tests.workers.training.stopping import train_until
from workers.training import checkpoints
from workers.training.run_folder import open_run
from workers.training.train import main, prepare


@pytest.fixture(scope="module")
def stopped(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with checkpoints after steps 2 and 4, stopped there."""
    folder = hand_over(
        tmp_path_factory.mktemp("run") / "run",
        base,
        rows(6),
        max_steps=6,
        save_every=2,
        batch_size=2,
    )
    train_until(folder, 3)
    return folder


@pytest.fixture
def run(stopped: Path, tmp_path: Path) -> Path:
    """A copy to break."""
    return Path(shutil.copytree(stopped, tmp_path / "run"))


def mark_of(run: Path) -> str:
    return prepare(open_run(run)).mark


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def other_mark(path: Path) -> None:
    path.write_text(json.dumps({"fingerprint": "0" * 64}))


def test_the_newest_is_taken(run: Path) -> None:
    found = checkpoints.newest(run / "checkpoints", mark_of(run))
    assert found is not None
    assert found.name == "checkpoint-4"
    assert checkpoints.step_of(found) == 4


@pytest.mark.parametrize(
    ("name", "spoil", "said"),
    [
        ("trainer_state.json", Path.unlink, "torn"),
        ("trained.safetensors", truncate, "torn"),
        ("trained.safetensors", Path.unlink, "no weights"),
        ("optimizer.pt", truncate, "optimizer.pt is not whole"),
        ("scheduler.pt", Path.unlink, "scheduler.pt is not whole"),
        ("cultivar.json", other_mark, "other settings"),
    ],
)
def test_a_torn_or_foreign_one_is_passed_over(
    run: Path, name: str, spoil: Callable[[Path], object], said: str
) -> None:
    newest, mark = run / "checkpoints/checkpoint-4", mark_of(run)
    assert checkpoints.fault(newest, mark) is None
    spoil(newest / name)
    assert said in (checkpoints.fault(newest, mark) or "")
    found = checkpoints.newest(run / "checkpoints", mark)
    assert found is not None
    assert found.name == "checkpoint-2"


def test_what_changes_a_step_changes_the_mark() -> None:
    def mark(**settings: object) -> str:
        return checkpoints.fingerprint(TrainingConfig(**settings), "data", "base")  # type: ignore[arg-type]

    assert mark() == mark(micro_batch=2, threads=1, merge=True)
    assert len({mark(), mark(seed=1), mark(rank=8), mark(max_length=64)}) == 4
    assert mark() != checkpoints.fingerprint(TrainingConfig(), "data", "other")


def test_a_torn_last_line_of_progress_is_cut_off(run: Path) -> None:
    with (run / "progress.jsonl").open("a") as file:
        file.write('{"t": 1, "phase": "tra')
    assert main([str(run)]) == 0
    lines = (run / "progress.jsonl").read_text().splitlines()
    assert all(json.loads(line)["phase"] for line in lines)
