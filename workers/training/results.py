"""What a finished run leaves: whole folders under their names, readable, without our paths."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.domain.training_config import TrainingConfig
from app.domain.tuning import Tuning
from workers.training.base_model import load_model
from workers.training.device import Place
from workers.training.tuning.loading import merged
from workers.training.tuning.tuned import Tuned

_READABLE = 0o644  # safetensors makes files that their owner alone can read


def result_folder(config: TrainingConfig, folder: Path) -> Path:
    """Where the result lies: `adapter`, or `model` for a whole one."""
    return folder / ("model" if config.method is Tuning.FULL else "adapter")


def publish(config: TrainingConfig, folder: Path, tuned: Tuned, tokenizer: Any) -> Path:
    """Write the result with its tokenizer; the folder has its name when all of it is there."""

    def write(target: Path) -> None:
        tuned.save(target)
        tokenizer.save_pretrained(target)
        _rename_base(target, Path(config.base_model).name)

    return _published(result_folder(config, folder), write)


def publish_merged(config: TrainingConfig, folder: Path, place: Place, tokenizer: Any) -> Path:
    """Read the adapter back, merge it into a fresh base and write the whole model."""

    def write(target: Path) -> None:
        base = load_model(Path(config.base_model), config, place)
        base.set_attn_implementation("sdpa")
        merged(base, result_folder(config, folder)).save_pretrained(target)
        tokenizer.save_pretrained(target)

    return _published(folder / "merged", write)


def digests(*folders: Path) -> dict[str, str]:
    """The sha256 of every file of a result, by its path below the run's folder."""
    found: dict[str, str] = {}
    for folder in folders:
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            found[str(path.relative_to(folder.parent))] = digest
    return found


def _published(target: Path, write: Callable[[Path], None]) -> Path:
    passing = target.with_name(f".{target.name}.part")
    shutil.rmtree(passing, ignore_errors=True)
    write(passing)
    for path in passing.rglob("*"):
        if path.is_file():
            path.chmod(_READABLE)
            _sync(path)
    (passing / "README.md").unlink(missing_ok=True)  # PEFT's own; ours stands beside the folder
    shutil.rmtree(target, ignore_errors=True)
    passing.replace(target)
    return target


def _rename_base(folder: Path, name: str) -> None:
    """Name the base by its name: a path of this machine would be wrong elsewhere."""
    path = folder / "adapter_config.json"
    if path.exists():
        members = json.loads(path.read_bytes()) | {"base_model_name_or_path": name}
        path.write_text(json.dumps(members, indent=2, sort_keys=True, default=sorted) + "\n")


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
