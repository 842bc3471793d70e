"""A base model made trainable: what is trained, and how it is kept."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peft import PeftConfig, get_peft_model
from safetensors.torch import save_file
from torch import nn

KIND = "tuning.json"  # beside adapters that PEFT does not know: which method made them


@dataclass(frozen=True)
class Tuned:
    """`model` is trained; `save` writes the result, without the base, to a folder."""

    model: Any
    save: Callable[[Path], None]

    def trained(self) -> Iterator[tuple[str, nn.Parameter]]:
        """The parameters that are trained, by name."""
        return trained(self.model)

    def count(self) -> int:
        """How many numbers are trained."""
        return sum(parameter.numel() for _, parameter in self.trained())


def trained(model: Any) -> Iterator[tuple[str, nn.Parameter]]:
    """The parameters of a model that are trained, by name; what is shared comes once."""
    return ((name, each) for name, each in model.named_parameters() if each.requires_grad)


def by_peft(model: Any, config: PeftConfig) -> Tuned:
    """A model with an adapter that PEFT knows."""
    made: Any = get_peft_model(model, config)
    return Tuned(made, made.save_pretrained)


def by_us(model: Any, method: str, settings: dict[str, Any]) -> Tuned:
    """A model with an adapter of our own: a safetensors file of what was trained."""

    def save(folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {name: each.detach().cpu().contiguous() for name, each in trained(model)}
        save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
        (folder / KIND).write_text(json.dumps({"method": method, **settings}, indent=2) + "\n")

    return Tuned(model, save)
