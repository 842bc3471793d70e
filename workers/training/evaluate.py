"""How well a model expects held-out completions: the loss per token, before and after."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch.nn.functional import cross_entropy
from transformers import TrainerCallback

from workers.training.data import IGNORED, Encoded
from workers.training.progress import Progress
from workers.training.run_folder import write_json
from workers.training.tuning.tuned import Tuned, trained

_BATCH_TOKENS = 8192
BEST, BEST_WEIGHTS = "best.json", "best.safetensors"


@dataclass(frozen=True, slots=True)
class Loss:
    """For each row, in order: its completion tokens, and the sum of their losses in nats."""

    nats: tuple[float, ...]
    tokens: tuple[int, ...]

    @property
    def mean(self) -> float:
        """Nats a token over all rows."""
        return sum(self.nats) / max(1, sum(self.tokens))


def completion_loss(
    model: Any, rows: Sequence[Encoded], heard: Callable[[], None] | None = None
) -> Loss:
    """The loss on completions, their end marks included; prompts are read and not counted.

    `heard` is called after each batch.
    """
    nats, tokens = [0.0] * len(rows), [0] * len(rows)
    with evaluating(model):
        for places in _batches(rows):
            found = _batch_loss(model, [rows[place] for place in places])
            for place, (loss, count) in zip(places, found, strict=True):
                nats[place], tokens[place] = loss, count
            if heard is not None:
                heard()
    return Loss(tuple(nats), tuple(tokens))


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """Without dropout and without gradients; afterwards as it was."""
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(was_training)


def _batches(rows: Sequence[Encoded]) -> Iterator[list[int]]:
    """Places of rows of like length together, so that little is padded."""
    batch: list[int] = []
    for place in sorted(range(len(rows)), key=lambda each: len(rows[each].ids)):
        if batch and (len(batch) + 1) * len(rows[place].ids) > _BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def _batch_loss(model: Any, batch: Sequence[Encoded]) -> list[tuple[float, int]]:
    ids, labels, mask = (
        _padded(batch, kind).to(model.device) for kind in ("ids", "labels", "mask")
    )
    logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits
    logits = logits[:, -ids.shape[1] :]  # soft prompts put their own tokens in front
    wanted = labels[:, 1:]
    found = logits[:, :-1].float().reshape(wanted.numel(), -1)
    loss = cross_entropy(found, wanted.reshape(-1), ignore_index=IGNORED, reduction="none")
    sums = loss.reshape(wanted.shape).sum(dim=1).tolist()
    return list(zip(sums, (wanted != IGNORED).sum(dim=1).tolist(), strict=True))


def _padded(batch: Sequence[Encoded], kind: str) -> torch.Tensor:
    longest = max(len(each.ids) for each in batch)
    values = {
        "ids": lambda e: e.ids,
        "labels": lambda e: e.labels,
        "mask": lambda e: [1] * len(e.ids),
    }
    filler = IGNORED if kind == "labels" else 0
    lists = [values[kind](each) for each in batch]
    return torch.tensor([each + [filler] * (longest - len(each)) for each in lists])


class Evaluations(TrainerCallback):
    """Evaluates every few steps, keeps the best weights, and stops when nothing is gained."""

    def __init__(
        self,
        folder: Path,
        tuned: Tuned,
        rows: Sequence[Encoded],
        progress: Progress,
        every: int,
        patience: int | None,
    ) -> None:
        self._folder, self._tuned, self._rows = folder, tuned, rows
        self._progress, self._every, self._patience = progress, every, patience
        self.stopped_early = False

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        step = state.global_step
        if step % self._every and step != state.max_steps:
            return
        loss = completion_loss(self._tuned.model, self._rows).mean
        self._progress.tell("eval", step=step, max_steps=state.max_steps, held_out_loss=loss)
        if self._patience is None:
            return
        best = best_so_far(self._folder)
        if best is None or loss < best["loss"]:
            self._keep(step, loss)
        elif step - best["step"] >= self._patience * self._every:
            self.stopped_early = True
            control.should_training_stop = True

    def _keep(self, step: int, loss: float) -> None:
        tensors = {n: each.detach().cpu().contiguous() for n, each in self._tuned.trained()}
        save_file(tensors, self._folder / BEST_WEIGHTS)
        write_json(self._folder / BEST, {"step": step, "loss": loss})

    def take_best(self) -> int | None:
        """Put the best weights back; the step they are of, None where none were kept."""
        best = best_so_far(self._folder)
        if best is None:
            return None
        kept = load_file(self._folder / BEST_WEIGHTS)
        with torch.no_grad():
            for name, parameter in trained(self._tuned.model):
                parameter.copy_(kept[name])
        return best["step"]


def best_so_far(folder: Path) -> dict[str, Any] | None:
    """The best evaluation of a run, if any was kept."""
    path = folder / BEST
    return json.loads(path.read_bytes()) if path.exists() else None
