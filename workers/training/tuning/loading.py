"""Results read back: a base with its adapter, as it was trained or merged into one."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from safetensors.torch import load_file

from app.domain.training_config import TrainingConfig
from app.domain.tuning import Tuning
from workers.training.failures import BadRun
from workers.training.tuning.bottlenecks import bottlenecks
from workers.training.tuning.tuned import KIND


def with_adapter(model: Any, folder: Path) -> Any:
    """A base model with the adapter of a folder; our own kinds change the model itself."""
    kind = folder / KIND
    if not kind.exists():
        return PeftModel.from_pretrained(model, str(folder))
    settings: Mapping[str, Any] = json.loads(kind.read_bytes())
    prepare = _OURS[Tuning(settings["method"])]
    prepare(model, settings)
    tensors = load_file(folder / "adapter_model.safetensors")
    unknown = model.load_state_dict(tensors, strict=False).unexpected_keys
    if unknown:
        raise BadRun(f"The adapter in {folder} is of another base: it has {unknown[0]}.")
    return model


def merged(model: Any, folder: Path) -> Any:
    """The base with the adapter worked into its weights: a model of the base's own kind."""
    found = with_adapter(model, folder)
    if not isinstance(found, PeftModel):
        return found
    with torch.no_grad():
        return found.merge_and_unload()


def _add_bottlenecks(model: Any, settings: Mapping[str, Any]) -> None:
    config = TrainingConfig(method=Tuning.HOULSBY, bottleneck=settings["bottleneck"])
    bottlenecks(model, config)


def _as_it_is(model: Any, settings: Mapping[str, Any]) -> None:
    """BitFit trains terms that the base has."""


_OURS: Mapping[Tuning, Callable[[Any, Mapping[str, Any]], None]] = {
    Tuning.HOULSBY: _add_bottlenecks,
    Tuning.BITFIT: _as_it_is,
}
