"""What a run tells while it goes: lines in progress.jsonl, and the ear for being asked to stop."""

import json
import math
import signal
import time
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from workers.training.failures import Interrupted

FILE = "progress.jsonl"


class Progress:
    """Appends lines to the run's progress file; each is flushed, and none is half written."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._end_torn_line()

    def tell(self, phase: str, **members: Any) -> None:
        """Add a line: the time (seconds since 1970), the phase, and what else there is to say."""
        line = json.dumps({"t": round(time.time(), 3), "phase": phase, **members})
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def _end_torn_line(self) -> None:
        """After a kill the last line may lack its end; what follows must not run into it."""
        if not self._path.exists():
            return
        kept = self._path.read_bytes()
        if kept and not kept.endswith(b"\n"):
            whole = kept.rfind(b"\n") + 1
            with self._path.open("r+b") as file:
                file.truncate(whole)


class StopRequest:
    """Whether somebody asked for a stop, by SIGTERM or SIGINT."""

    def __init__(self) -> None:
        self.asked = False

    def listen(self) -> None:
        """From now on these signals no longer end the process, they are noted."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note)

    def _note(self, *_: object) -> None:
        self.asked = True


class Hearing:
    """Called after each batch of an evaluation: says that it goes on, and heeds a stop."""

    def __init__(self, progress: Progress, stop: StopRequest) -> None:
        self._progress, self._stop = progress, stop
        self._told = -math.inf

    def __call__(self) -> None:
        """Tell at most once a second; raises Interrupted."""
        if self._stop.asked:
            raise Interrupted
        if time.monotonic() - self._told >= 1:
            self._told = time.monotonic()
            self._progress.tell("evaluate")


class Teller(TrainerCallback):
    """Tells of each step, ends a run whose loss is no number, and saves when asked to stop."""

    def __init__(self, progress: Progress, stop: StopRequest) -> None:
        self._progress = progress
        self._stop = stop
        self.losses: list[float] = []
        self.tokens = 0
        self.diverged = False
        self._began = time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._began = time.monotonic()
        self._progress.tell("train", step=state.global_step, max_steps=state.max_steps)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        loss = (logs or {}).get("loss")
        if loss is None:
            return
        loss, norm = float(loss), float(logs.get("grad_norm", 0.0))
        self.losses.append(loss)
        self.tokens = int(logs.get("num_tokens", self.tokens))
        seconds = max(1e-9, time.monotonic() - self._began)
        self._progress.tell(
            "train",
            step=state.global_step,
            max_steps=state.max_steps,
            loss=finite(loss),
            grad_norm=finite(norm),
            lr=logs.get("learning_rate"),
            tokens=self.tokens,
            tok_s=round(self.tokens / seconds, 1),
            peak_mem=torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None,
        )
        if not (math.isfinite(loss) and math.isfinite(norm)):
            self.diverged = True
            control.should_training_stop = True
            control.should_save = False

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self._stop.asked:
            control.should_save = not self.diverged
            control.should_training_stop = True


def finite(number: float) -> float | None:
    """A number that JSON knows; None for the others."""
    return number if math.isfinite(number) else None
