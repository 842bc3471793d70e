"""Full fine-tuning: everything is trained, and the result is a model."""

from pathlib import Path
from typing import Any

from app.domain.training_config import TrainingConfig
from workers.training.tuning.tuned import Tuned


def full(model: Any, config: TrainingConfig) -> Tuned:
    """Every parameter."""
    model.requires_grad_(True)

    def save(folder: Path) -> None:
        model.save_pretrained(folder)

    return Tuned(model, save)
