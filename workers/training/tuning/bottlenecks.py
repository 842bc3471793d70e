"""Adapters (Houlsby et al. 2019): a bottleneck after attention and after the feed-forward part."""

from typing import Any

import torch
from torch import nn

from app.domain.training_config import TrainingConfig
from workers.training.failures import BadRun
from workers.training.tuning.tuned import Tuned, by_us

# The last layers of the two parts of a block, by the names that Llama and its kin have.
PLACES = ("o_proj", "down_proj")


class Bottleneck(nn.Module):
    """x + up(gelu(down(x))); `up` begins at zero, so at first it changes nothing."""

    def __init__(self, hidden: int, width: int) -> None:
        super().__init__()
        self.down = nn.Linear(hidden, width)
        self.up = nn.Linear(width, hidden)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        inner = states.to(self.down.weight.dtype)
        change = self.up(nn.functional.gelu(self.down(inner)))
        return states + change.to(states.dtype)


class Followed(nn.Module):
    """A layer of the base with a bottleneck behind it."""

    def __init__(self, layer: nn.Linear, width: int) -> None:
        super().__init__()
        self.layer = layer
        device = layer.weight.device
        self.bottleneck = Bottleneck(layer.out_features, width).to(device)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return self.bottleneck(self.layer(states))


def bottlenecks(model: Any, config: TrainingConfig) -> Tuned:
    """Two bottlenecks in each block; the base is frozen."""
    model.requires_grad_(False)
    found = [
        (parent, name, layer)
        for parent in model.modules()
        for name, layer in parent.named_children()
        if name in PLACES and isinstance(layer, nn.Linear)
    ]
    if not found:
        raise BadRun(
            f"houlsby puts adapters behind layers named {' and '.join(PLACES)}, and this base has "
            "none. Choose another method."
        )
    for parent, name, layer in found:
        setattr(parent, name, Followed(layer, config.bottleneck))
    return by_us(model, config.method, {"bottleneck": config.bottleneck})
