"""What a run has learnt, kept while it is evaluated, so that a kill then costs no training."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from workers.training.run_folder import read_json, write_json
from workers.training.tuning.tuned import Tuned

_FACTS, _WEIGHTS = "learned.json", "learned.safetensors"


def keep(folder: Path, tuned: Tuned, mark: str, facts: dict[str, Any]) -> None:
    """Write the trained weights, and last what there is to say of the training."""
    tensors = {name: each.detach().cpu().contiguous() for name, each in tuned.trained()}
    save_file(tensors, folder / _WEIGHTS)
    write_json(folder / _FACTS, {"fingerprint": mark, "facts": facts})


def kept(folder: Path, tuned: Tuned, mark: str) -> dict[str, Any] | None:
    """What this run kept, its weights put into the model; None where it is still to learn."""
    if not (folder / _FACTS).exists():
        return None
    found = read_json(folder / _FACTS)
    if found["fingerprint"] != mark:
        return None
    tensors = load_file(folder / _WEIGHTS)
    with torch.no_grad():
        for name, parameter in tuned.trained():
            parameter.copy_(tensors[name])
    return found["facts"]


def forget(folder: Path) -> None:
    """Remove it: the result is published."""
    for name in (_FACTS, _WEIGHTS):
        (folder / name).unlink(missing_ok=True)
