"""What PEFT does on linear layers: LoRA and its kin, Uni-LoRA's random subspace, and IA3."""

from typing import Any

from peft import IA3Config, LoraConfig, UniLoraConfig, prepare_model_for_kbit_training

from app.domain.training_config import TrainingConfig
from app.domain.tuning import Tuning
from workers.training.base_model import linear_names
from workers.training.failures import BadRun
from workers.training.tuning.tuned import Tuned, by_peft

# The layers that IA3 scales, by the names that Llama and its kin have.
_IA3_ATTENTION, _IA3_FEED_FORWARD = ("k_proj", "v_proj"), ("down_proj",)


def low_rank(model: Any, config: TrainingConfig) -> Tuned:
    """LoRA on every linear layer but the head, or on those that were named."""
    if config.method is Tuning.QLORA:
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    settings = LoraConfig(
        task_type="CAUSAL_LM",
        r=config.rank,
        lora_alpha=config.alpha or 2 * config.rank,
        lora_dropout=config.dropout,
        target_modules=_targets(model, config.targets),
        use_rslora=config.method is Tuning.RSLORA,
        use_dora=config.method is Tuning.DORA,
    )
    return by_peft(model, settings)


def intrinsic(model: Any, config: TrainingConfig) -> Tuned:
    """All of LoRA's entries read from one vector through a fixed random assignment."""
    settings = UniLoraConfig(
        task_type="CAUSAL_LM",
        r=config.rank,
        theta_d_length=config.dimension,
        proj_seed=config.seed,
        target_modules=linear_names(model),
    )
    return by_peft(model, settings)


def ia3(model: Any, config: TrainingConfig) -> Tuned:
    """Scales of keys, values and the inputs of the last feed-forward layer."""
    known, wanted = linear_names(model), [*_IA3_ATTENTION, *_IA3_FEED_FORWARD]
    _refuse_unknown("ia3", wanted, known)
    settings = IA3Config(
        task_type="CAUSAL_LM",
        target_modules=wanted,
        feedforward_modules=list(_IA3_FEED_FORWARD),
    )
    return by_peft(model, settings)


def _targets(model: Any, named: tuple[str, ...]) -> list[str]:
    known = linear_names(model)
    _refuse_unknown("targets", named, known)
    return sorted(named) or known


def _refuse_unknown(what: str, wanted: Any, known: list[str]) -> None:
    missing = [name for name in wanted if name not in known]
    if missing:
        raise BadRun(
            f"{what}: this base model has no linear layer named {', '.join(missing)}; it has "
            f"{', '.join(known)}."
        )
