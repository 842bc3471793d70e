"""What a run will come to, told before the first step: tokens, sequences, steps, memory, time."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from app.domain.training_config import TrainingConfig
from app.domain.tuning import TUNING_METHODS, Tuning, servable
from app.domain.tuning_counts import Linear, ModelShape, trained_count
from workers.training.base_model import linear_layers
from workers.training.data import Rows
from workers.training.device import Memory, Place, fits, matmul_rate, memory, micro_batch

# Of the rate at which the device multiplies large matrices; training gets to a part of it.
_REACHED = 0.4
_STEP_S = 0.05  # what the libraries take for each step, however small the model


@dataclass(frozen=True)
class Plan:
    """How a run is done; sequences are packed rows where rows are packed."""

    length: int
    sequences: int
    steps: int
    trained: int
    micro_batch: int
    checkpointing: bool
    needed: Memory

    def as_json(self, config: TrainingConfig, rows: Rows, shape: ModelShape, place: Place) -> Any:
        """What `--dry-run` writes."""
        tokens = rows.counts()["tokens"] * passes(config, self)
        seconds = work_per_token(config, shape) * tokens / (matmul_rate(place) * _REACHED)
        seconds += self.steps * _STEP_S
        return {
            "device": place.name,
            "data": rows.counts(),
            "max_length": self.length,
            "packing": config.packs,
            "sequences": self.sequences,
            "steps": self.steps,
            "batch_size": config.batch_size,
            "micro_batch": self.micro_batch,
            "checkpointing": self.checkpointing,
            "parameters": shape.parameters,
            "trained_parameters": self.trained,
            "memory_bytes": self.needed.total(self.micro_batch),
            "seconds": round(seconds, 1),
            "servable": servable(config.method),
            "method": asdict(TUNING_METHODS[config.method]),
        }


def shape_of(model: Any) -> ModelShape:
    """The shape of a model, with weights or without."""
    settings = model.config.get_text_config()
    heads = settings.num_attention_heads
    width = getattr(settings, "head_dim", None) or settings.hidden_size // heads
    key_value_heads = getattr(settings, "num_key_value_heads", None) or heads
    named = dict(model.named_parameters())
    return ModelShape(
        parameters=sum(each.numel() for each in named.values()),
        layers=settings.num_hidden_layers,
        hidden=settings.hidden_size,
        key_value_width=key_value_heads * width,
        biases=sum(each.numel() for name, each in named.items() if name.endswith(".bias")),
        linears=tuple(_linear(name, layer) for name, layer in linear_layers(model)),
    )


def make_plan(
    config: TrainingConfig, shape: ModelShape, place: Place, *, length: int, sequences: int
) -> Plan:
    """Decide what the settings leave open."""
    method, trained = TUNING_METHODS[config.method], trained_count(config, shape)
    wanted = config.checkpointing
    saving = method.checkpointing and place.cuda if wanted is None else wanted
    bf16 = place.bf16 and config.method is not Tuning.FULL

    def needed(checkpointing: bool) -> Memory:
        weights = weight_bytes(config, shape, bf16)
        return memory(weights, trained, shape.layers, shape.hidden, length, bf16, checkpointing)

    if wanted is None and saving and fits(place, needed(False), sequences=2):
        saving = False  # computing twice costs a third; memory that is there costs nothing
    return Plan(
        length=length,
        sequences=sequences,
        steps=step_count(config, sequences),
        trained=trained,
        micro_batch=micro_batch(config, place, needed(saving)),
        checkpointing=saving,
        needed=needed(saving),
    )


def weight_bytes(config: TrainingConfig, shape: ModelShape, bf16: bool) -> int:
    """What the base takes; with qlora its linear layers are in 4 bits and the rest in float32.

    NF4 with double quantization takes 4.127 bits a weight (Dettmers et al. 2023, section 3).
    """
    if config.method is not Tuning.QLORA:
        return shape.parameters * (2 if bf16 else 4)
    linear = sum(each.inputs * each.outputs for each in shape.linears)
    return round(linear * 4.127 / 8) + 4 * (shape.parameters - linear)


def step_count(config: TrainingConfig, sequences: int) -> int:
    """Steps of a whole run; the last step of a pass may have fewer sequences."""
    if config.max_steps is not None:
        return config.max_steps
    return max(1, math.ceil(config.epochs * math.ceil(sequences / config.batch_size)))


def passes(config: TrainingConfig, plan: Plan) -> float:
    """How often the data are gone through."""
    return plan.steps * config.batch_size / max(1, plan.sequences)


def work_per_token(config: TrainingConfig, shape: ModelShape) -> int:
    """Floating point operations a token: 6N for all weights, 4N where the base is frozen."""
    return (6 if config.method is Tuning.FULL else 4) * shape.parameters


def _linear(name: str, layer: Any) -> Linear:
    rows, columns = layer.weight.shape
    outputs = getattr(layer, "out_features", None) or getattr(layer, "nf", rows)
    return Linear(name.rpartition(".")[2], rows * columns // outputs, outputs)
