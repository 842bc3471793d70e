"""Learnt tokens before the prompt: prompt tuning, P-tuning and prefix tuning, by PEFT."""

from typing import Any

from peft import PrefixTuningConfig, PromptEncoderConfig, PromptTuningConfig

from app.domain.training_config import TrainingConfig
from workers.training.tuning.tuned import Tuned, by_peft

_TASK = "CAUSAL_LM"


def prompt_tuning(model: Any, config: TrainingConfig) -> Tuned:
    """Embeddings of virtual tokens."""
    return by_peft(
        model, PromptTuningConfig(task_type=_TASK, num_virtual_tokens=config.virtual_tokens)
    )


def p_tuning(model: Any, config: TrainingConfig) -> Tuned:
    """Embeddings of virtual tokens that a small network writes."""
    settings = PromptEncoderConfig(
        task_type=_TASK,
        num_virtual_tokens=config.virtual_tokens,
        encoder_hidden_size=config.encoder_hidden,
    )
    return by_peft(model, settings)


def prefix_tuning(model: Any, config: TrainingConfig) -> Tuned:
    """Keys and values of virtual tokens in every layer."""
    return by_peft(
        model, PrefixTuningConfig(task_type=_TASK, num_virtual_tokens=config.virtual_tokens)
    )
