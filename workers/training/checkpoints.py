"""Checkpoints: which one a run may go on from, and that it is whole."""

import hashlib
import importlib.metadata
import json
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from safetensors import SafetensorError, safe_open

from app.domain.training_config import TrainingConfig

# What may differ between the attempts of one run: it changes how fast steps are, not what they do.
_MAY_DIFFER = {
    "micro_batch",
    "checkpointing",
    "threads",
    "cpu_work",
    "merge",
    "device",
    "base_model",
    "max_hours",
}
_LIBRARIES = ("torch", "transformers", "trl", "peft", "datasets", "accelerate", "tokenizers")
_STATE, _FINGERPRINT = "trainer_state.json", "cultivar.json"
_PICKLES = ("optimizer.pt", "scheduler.pt")


def versions() -> dict[str, str]:
    """The versions of the training libraries."""
    return {name: importlib.metadata.version(name) for name in _LIBRARIES}


def fingerprint(config: TrainingConfig, data_sha256: str, base_sha256: str) -> str:
    """What a checkpoint must have in common with the run that goes on from it."""
    settings = {name: value for name, value in asdict(config).items() if name not in _MAY_DIFFER}
    members = [settings, data_sha256, base_sha256, versions()]
    return hashlib.sha256(json.dumps(members, sort_keys=True, default=str).encode()).hexdigest()


def sign(checkpoint: Path, mark: str) -> None:
    """Write into a checkpoint which run it belongs to."""
    (checkpoint / _FINGERPRINT).write_text(json.dumps({"fingerprint": mark}))


def newest(folder: Path, mark: str) -> Path | None:
    """The last checkpoint that is whole and of this run; None where there is none."""
    return next((each for each in _by_step(folder) if fault(each, mark) is None), None)


def fault(checkpoint: Path, mark: str) -> str | None:
    """Why a run cannot go on from a checkpoint; None where it can.

    The trainer's state is written last, so where it is missing the rest may be torn.
    """
    try:
        json.loads((checkpoint / _STATE).read_bytes())
        if json.loads((checkpoint / _FINGERPRINT).read_bytes())["fingerprint"] != mark:
            return "it belongs to other settings, data, base or versions"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"it is torn: {error}"
    weights = sorted(checkpoint.glob("*.safetensors"))
    if not weights:
        return "it is torn: there are no weights"
    faults = (
        *map(_weights_fault, weights),
        *(_pickle_fault(checkpoint / name) for name in _PICKLES),
    )
    return next((each for each in faults if each), None)


def step_of(checkpoint: Path) -> int:
    """The step after which a checkpoint was written."""
    return int(checkpoint.name.partition("-")[2])


def _by_step(folder: Path) -> Iterator[Path]:
    found = [each for each in folder.glob("checkpoint-*") if each.name[11:].isdigit()]
    return iter(sorted(found, key=step_of, reverse=True))


def _weights_fault(path: Path) -> str | None:
    try:
        with safe_open(path, framework="pt") as file:  # compares the file's length with its header
            file.keys()
    except (SafetensorError, OSError) as error:
        return f"it is torn: {path.name}: {error}"
    return None


def _pickle_fault(path: Path) -> str | None:
    return None if zipfile.is_zipfile(path) else f"it is torn: {path.name} is not whole"


def remove_all(folder: Path) -> None:
    """Remove the checkpoints of a run that is done: large, of no further use, partly pickles."""
    for checkpoint in _by_step(folder):
        _remove(checkpoint)


def _remove(checkpoint: Path) -> None:
    (checkpoint / _STATE).unlink(missing_ok=True)  # first, so that what is left counts as torn
    for path in checkpoint.iterdir():
        path.unlink()
    checkpoint.rmdir()
