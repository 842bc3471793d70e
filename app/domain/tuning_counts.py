"""How many numbers each method trains, by formula, from the shape of the base model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.domain.training_config import TrainingConfig
from app.domain.tuning import Tuning


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear layer: the last word of its name, and how many numbers go in and come out."""

    name: str
    inputs: int
    outputs: int


@dataclass(frozen=True, kw_only=True)
class ModelShape:
    """What counts of a base model; `linears` are all but the head, `biases` its bias numbers."""

    parameters: int
    layers: int
    hidden: int
    key_value_width: int
    biases: int
    linears: tuple[Linear, ...]


def trained_count(config: TrainingConfig, shape: ModelShape) -> int:
    """The number of trained parameters."""
    return _FORMULAS[config.method](config, shape)


def _chosen(config: TrainingConfig, shape: ModelShape) -> list[Linear]:
    return [each for each in shape.linears if not config.targets or each.name in config.targets]


def _low_rank(config: TrainingConfig, shape: ModelShape) -> int:
    """Hu et al. 2021: two thin matrices beside each layer."""
    return sum(config.rank * (each.inputs + each.outputs) for each in _chosen(config, shape))


def _dora(config: TrainingConfig, shape: ModelShape) -> int:
    """Liu et al. 2024: LoRA's, and a magnitude for each output."""
    return _low_rank(config, shape) + sum(each.outputs for each in _chosen(config, shape))


def _full(_: TrainingConfig, shape: ModelShape) -> int:
    return shape.parameters


def _prompt(config: TrainingConfig, shape: ModelShape) -> int:
    return config.virtual_tokens * shape.hidden


def _p_tuning(config: TrainingConfig, shape: ModelShape) -> int:
    """The tokens' embeddings and a network of three layers that rewrites them."""
    wide, inner = shape.hidden, config.encoder_hidden
    network = (wide + 1) * inner + (inner + 1) * inner + (inner + 1) * wide
    return _prompt(config, shape) + network


def _prefix(config: TrainingConfig, shape: ModelShape) -> int:
    """A key and a value for each token in each layer."""
    return config.virtual_tokens * shape.layers * 2 * shape.key_value_width


def _bitfit(_: TrainingConfig, shape: ModelShape) -> int:
    return shape.biases or sum(each.outputs for each in shape.linears)


def _houlsby(config: TrainingConfig, shape: ModelShape) -> int:
    """Two bottlenecks in each layer, each of two matrices with biases."""
    width = config.bottleneck
    return shape.layers * 2 * (2 * shape.hidden * width + width + shape.hidden)


def _dimension(config: TrainingConfig, _: ModelShape) -> int:
    return config.dimension


def _ia3(_: TrainingConfig, shape: ModelShape) -> int:
    """A scale for each key, each value and each input of the last feed-forward layer."""
    outputs = sum(each.outputs for each in shape.linears if each.name in ("k_proj", "v_proj"))
    return outputs + sum(each.inputs for each in shape.linears if each.name == "down_proj")


_FORMULAS: Mapping[Tuning, Callable[[TrainingConfig, ModelShape], int]] = {
    Tuning.LORA: _low_rank,
    Tuning.RSLORA: _low_rank,
    Tuning.DORA: _dora,
    Tuning.QLORA: _low_rank,
    Tuning.FULL: _full,
    Tuning.PROMPT: _prompt,
    Tuning.P_TUNING: _p_tuning,
    Tuning.PREFIX: _prefix,
    Tuning.BITFIT: _bitfit,
    Tuning.HOULSBY: _houlsby,
    Tuning.INTRINSIC: _dimension,
    Tuning.INTRINSIC_PROMPT: _dimension,
    Tuning.IA3: _ia3,
}
