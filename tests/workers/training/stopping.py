"""A run stopped after a given step, by the ear that SIGTERM speaks to."""

import json
from pathlib import Path

from app.domain.training_ending import Ending
from workers.training.progress import StopRequest
from workers.training.train import train


class AtStep(StopRequest):
    """Asked once the progress file tells of a step, which is heard at the end of the next one."""

    def __init__(self, folder: Path, step: int) -> None:
        self._path, self._step = folder / "progress.jsonl", step

    @property
    def asked(self) -> bool:
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        return any(json.loads(line).get("step", 0) >= self._step for line in lines)


class OnceThere(StopRequest):
    """Asked once a file is there."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def asked(self) -> bool:
        return self._path.exists()


def train_until_there(folder: Path, name: str) -> None:
    """Train a folder's run and stop it when a file of it is there."""
    assert train(folder, OnceThere(folder / name)) == Ending.STOPPED


def train_until(folder: Path, step: int) -> None:
    """Train a folder's run and stop it a step later; a checkpoint is left."""
    assert train(folder, AtStep(folder, step)) == Ending.STOPPED
