"""The tuning methods by name: each makes a model trainable in its way."""

from collections.abc import Callable, Mapping
from typing import Any

from app.domain.training_config import TrainingConfig
from app.domain.tuning import Tuning
from workers.training.tuning.biases import biases
from workers.training.tuning.bottlenecks import bottlenecks
from workers.training.tuning.full import full
from workers.training.tuning.intrinsic_prompt import intrinsic_prompt
from workers.training.tuning.low_rank import ia3, intrinsic, low_rank
from workers.training.tuning.soft_prompts import p_tuning, prefix_tuning, prompt_tuning
from workers.training.tuning.tuned import Tuned

TUNERS: Mapping[Tuning, Callable[[Any, TrainingConfig], Tuned]] = {
    Tuning.LORA: low_rank,
    Tuning.RSLORA: low_rank,
    Tuning.DORA: low_rank,
    Tuning.QLORA: low_rank,
    Tuning.FULL: full,
    Tuning.PROMPT: prompt_tuning,
    Tuning.P_TUNING: p_tuning,
    Tuning.PREFIX: prefix_tuning,
    Tuning.BITFIT: biases,
    Tuning.HOULSBY: bottlenecks,
    Tuning.INTRINSIC: intrinsic,
    Tuning.INTRINSIC_PROMPT: intrinsic_prompt,
    Tuning.IA3: ia3,
}
