"""Intrinsic prompt tuning in a random subspace: the soft prompt is P0 + A z, and only z is learnt.

Qin et al. 2021 (arXiv:2110.07867) find A from the prompts of many tasks; here it is drawn at
random. What is saved is an ordinary soft prompt, which PEFT knows.
"""

from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize

from app.domain.training_config import TrainingConfig
from workers.training.tuning.soft_prompts import prompt_tuning
from workers.training.tuning.tuned import Tuned


class RandomSubspace(nn.Module):
    """Adds A z to a weight; A has columns of length about one and is drawn from a seed."""

    def __init__(self, weight: torch.Tensor, dimension: int, seed: int) -> None:
        super().__init__()
        random = torch.Generator().manual_seed(seed)
        basis = torch.randn(weight.numel(), dimension, generator=random) / weight.numel() ** 0.5
        self.register_buffer("basis", basis.to(weight.device), persistent=False)
        self.coordinates = nn.Parameter(torch.zeros(dimension, device=weight.device))

    def forward(self, start: torch.Tensor) -> torch.Tensor:
        return start + (self.basis @ self.coordinates).view_as(start)


def intrinsic_prompt(model: Any, config: TrainingConfig) -> Tuned:
    """A soft prompt that moves in a random subspace of its space."""
    tuned = prompt_tuning(model, config)
    prompt = tuned.model.prompt_encoder["default"].embedding
    subspace = RandomSubspace(prompt.weight, config.dimension, config.seed)
    parametrize.register_parametrization(prompt, "weight", subspace)
    prompt.parametrizations.weight.original.requires_grad_(False)

    def save(folder: Path) -> None:
        """Write the prompt as it now is; its coordinates cannot be trained on after this."""
        parametrize.remove_parametrizations(prompt, "weight", leave_parametrized=True)
        tuned.save(folder)

    return Tuned(tuned.model, save)
