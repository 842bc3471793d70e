"""BitFit (Ben Zaken et al. 2021): bias terms only; a base that has none is given new ones."""

from typing import Any

from peft import BeftConfig

from app.domain.training_config import TrainingConfig
from workers.training.base_model import linear_names
from workers.training.failures import BadRun
from workers.training.tuning.tuned import Tuned, by_peft, by_us


def has_biases(model: Any) -> bool:
    """Tell whether a model has bias terms of its own."""
    return any(name.endswith(".bias") for name, _ in model.named_parameters())


def biases(model: Any, config: TrainingConfig) -> Tuned:
    """The base's own bias terms, or PEFT's BEFT vectors on all linear layers but the head."""
    if not has_biases(model):
        if config.merge:
            raise BadRun(
                "This base has no bias terms, so new ones cannot be merged into it: leave merge "
                "out, or choose another method."
            )
        settings = BeftConfig(task_type="CAUSAL_LM", target_modules=linear_names(model))
        return by_peft(model, settings)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.endswith(".bias"))
    return by_us(model, config.method, {})
