"""What a training run is told: every setting with its default and limits, checked together."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from app.domain.options import (
    OptionField,
    option,
    option_fields,
    options_schema,
    parse_options,
)
from app.domain.tuning import METHOD_OPTIONS, TUNING_METHODS, Tuning
from app.errors import InvalidInput, Problem


class Device(StrEnum):
    """Where to train; `auto` takes a GPU where there is one."""

    AUTO = "auto"
    CUDA = "cuda"
    CPU = "cpu"


class Schedule(StrEnum):
    """How the learning rate goes after its warm-up."""

    COSINE = "cosine"
    LINEAR = "linear"
    CONSTANT = "constant"


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """All settings; what is None is chosen by the method, the data or the machine."""

    base_model: str = option("", "a directory with the base model and its tokenizer")
    method: Tuning = option(Tuning.LORA, "how it is tuned")
    epochs: float = option(3.0, "passes over the data", minimum=0.01, maximum=1000)
    max_steps: int | None = option(None, "steps instead of epochs", minimum=1)
    learning_rate: float | None = option(None, "else the method's own", minimum=1e-8, maximum=10)
    schedule: Schedule = option(Schedule.COSINE, "the course of the learning rate")
    warmup: float = option(0.03, "part of the steps in which the rate rises", minimum=0, maximum=1)
    weight_decay: float = option(0.0, "of the trained parameters", minimum=0, maximum=1)
    max_grad_norm: float = option(1.0, "gradients longer than this are shortened", minimum=0.0)
    batch_size: int = option(16, "sequences in one step", minimum=1, maximum=65536)
    micro_batch: int | None = option(None, "sequences at once; must divide batch_size", minimum=1)
    max_length: int = option(2048, "tokens of a sequence", minimum=8, maximum=1_048_576)
    packing: bool | None = option(None, "rows share sequences; else where that is exact")
    checkpointing: bool | None = option(None, "compute activations again; else on a GPU")
    seed: int = option(0, "of all that is drawn", minimum=0, maximum=2**31 - 1)
    evaluate_every: int | None = option(None, "steps between evaluations", minimum=1)
    save_every: int = option(50, "steps between checkpoints", minimum=1)
    patience: int | None = option(None, "evaluations without gain before it stops", minimum=1)
    device: Device = option(Device.AUTO, "where to train")
    bf16: bool | None = option(None, "compute in bfloat16; else on a GPU that can")
    threads: int | None = option(None, "threads of the CPU", minimum=1, maximum=1024)
    cpu_work: float = option(
        5e13, "parameters times tokens up to which a CPU is taken without being named", minimum=0
    )
    answers: int | None = option(
        None,
        "held-out rows answered before and after, to be compared; else 32, on a CPU 8",
        minimum=0,
        maximum=10_000,
    )
    answer_tokens: int = option(256, "most tokens of such an answer", minimum=1, maximum=8192)
    max_hours: float | None = option(
        None, "hours after which it saves and stops", minimum=0.0001, maximum=10_000
    )
    merge: bool = option(False, "also write the adapter merged into its base")
    rank: int = option(16, "rank of the update", minimum=1, maximum=1024)
    alpha: float | None = option(None, "scale of the update; else twice the rank", minimum=0.0)
    dropout: float = option(0.0, "of the adapter's input", minimum=0, maximum=0.9)
    targets: tuple[str, ...] = option((), "names of linear layers; else all but the head")
    virtual_tokens: int = option(20, "learnt tokens", minimum=1, maximum=4096)
    encoder_hidden: int = option(128, "width of the network that writes them", minimum=1)
    bottleneck: int = option(64, "width of the adapters", minimum=1, maximum=65536)
    dimension: int = option(256, "length of the learnt vector", minimum=1, maximum=10_000_000)

    @property
    def rate(self) -> float:
        """The learning rate in force."""
        return self.learning_rate or TUNING_METHODS[self.method].learning_rate

    @property
    def packs(self) -> bool:
        """Whether rows share sequences."""
        return TUNING_METHODS[self.method].packing if self.packing is None else self.packing


def config_fields(method: Tuning | None = None) -> tuple[OptionField, ...]:
    """Every setting, or those that a method understands, for faces that show or read them."""
    fields = option_fields(TrainingConfig)
    if method is None:
        return fields
    others = METHOD_OPTIONS.difference(TUNING_METHODS[method].options)
    return tuple(each for each in fields if each.name not in others)


def config_schema(names: Set[str]) -> Mapping[str, object]:
    """A JSON schema of the settings with these names."""
    whole = options_schema(TrainingConfig)
    properties = cast("Mapping[str, object]", whole["properties"])
    return {**whole, "properties": {name: properties[name] for name in properties if name in names}}


def read_config(given: Mapping[str, object]) -> TrainingConfig:
    """The settings, or InvalidInput with every problem: unknown, out of range, or at odds."""
    config, problems = parse_options(TrainingConfig, given, pointer="")
    if config is not None:
        problems = (*_at_odds(config), *_not_understood(config, given))
    if config is None or problems:
        raise InvalidInput("The training cannot be done like this.", problems=problems)
    return config


def _at_odds(config: TrainingConfig) -> list[Problem]:
    """What single settings cannot tell."""
    method, name = TUNING_METHODS[config.method], config.method
    found: list[Problem] = []
    if not config.base_model:
        found.append(Problem("/base_model", "missing_field", "name the directory of a base model"))
    if config.packing and not method.packing:
        found.append(Problem("/packing", "not_exact", f"{name} cannot pack. {method.note}"))
    if config.checkpointing and not method.checkpointing:
        detail = f"{name} needs its activations; leave checkpointing out"
        found.append(Problem("/checkpointing", "not_possible", detail))
    if method.needs_cuda and config.device is Device.CPU:
        found.append(Problem("/device", "needs_cuda", f"{name} needs a CUDA GPU"))
    if config.merge and not method.mergeable:
        found.append(Problem("/merge", "not_possible", f"{name} cannot be merged into its base"))
    if config.micro_batch and config.batch_size % config.micro_batch:
        detail = f"must divide batch_size, which is {config.batch_size}"
        found.append(Problem("/micro_batch", "not_a_divisor", detail))
    return found


def _not_understood(config: TrainingConfig, given: Mapping[str, object]) -> list[Problem]:
    """Settings of other methods: said rather than silently left unused."""
    own = TUNING_METHODS[config.method].options
    return [
        Problem(f"/{name}", "not_understood", f"{config.method} has no {name}; it has {_list(own)}")
        for name in given
        if name in METHOD_OPTIONS and name not in own
    ]


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "no settings of its own"
