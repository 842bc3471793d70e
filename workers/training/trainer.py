"""TRL's trainer, with checkpoints that hold what is trained and nothing of the base."""

from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from safetensors.torch import load_file, save_file
from trl import SFTConfig, SFTTrainer

from app.domain.training_config import TrainingConfig
from workers.training import checkpoints
from workers.training.device import Place
from workers.training.plan import Plan
from workers.training.tuning.tuned import trained

WEIGHTS = "trained.safetensors"
_KEPT = 2  # checkpoints: if the newest is torn, there is one more


class Trainer(SFTTrainer):
    """Every method's checkpoint is one safetensors file of the trained parameters, by name."""

    def __init__(self, *, mark: str, **named: Any) -> None:
        self._mark = mark
        super().__init__(**named)

    def _save(
        self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None
    ) -> None:
        folder = Path(output_dir or self.args.output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {name: each.detach().cpu().contiguous() for name, each in trained(self.model)}
        save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
        checkpoints.sign(folder, self._mark)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        kept = load_file(Path(resume_from_checkpoint) / WEIGHTS)
        with torch.no_grad():
            for name, parameter in trained(model or self.model):
                parameter.copy_(kept.pop(name))
        if kept:
            raise ValueError(f"{WEIGHTS} holds {len(kept)} tensors that this run does not train")

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """Ours is written at the end, and says more."""


def arguments(config: TrainingConfig, place: Place, folder: Path, plan: Plan) -> SFTConfig:
    """Our settings in TRL's words."""
    return SFTConfig(
        output_dir=str(folder),
        per_device_train_batch_size=plan.micro_batch,
        gradient_accumulation_steps=config.batch_size // plan.micro_batch,
        num_train_epochs=config.epochs,
        max_steps=config.max_steps or -1,
        learning_rate=config.rate,
        lr_scheduler_type=str(config.schedule),
        warmup_steps=config.warmup,
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        optim="adamw_torch_fused" if place.cuda else "adamw_torch",
        seed=config.seed,
        data_seed=config.seed,
        use_cpu=not place.cuda,
        bf16=place.bf16,
        gradient_checkpointing=plan.checkpointing,
        max_length=plan.length,
        packing=config.packs,
        dataset_kwargs={"skip_prepare_dataset": True},
        pad_to_multiple_of=None,
        logging_steps=10 if place.cuda else 1,
        logging_first_step=True,
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=config.save_every,
        save_total_limit=_KEPT,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=place.cuda,
    )


def make(
    model: Any,
    tokenizer: Any,
    dataset: Dataset,
    settings: SFTConfig,
    *,
    mark: str,
    callbacks: list[Any],
) -> Trainer:
    """The trainer of a run."""
    return Trainer(
        mark=mark,
        model=model,
        args=settings,
        train_dataset=dataset,
        processing_class=tokenizer,
        callbacks=callbacks,
    )
