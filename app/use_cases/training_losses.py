"""How the loss of a training run went, step by step, as its trainer told it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from app.domain.stored import TrainingRecord
from app.runtime import Runtime
from app.use_cases.training import get, run_folder
from app.use_cases.training_process import PROGRESS

MOST_POINTS = 300


@dataclass(frozen=True, slots=True)
class LossPoint:
    """Nats a token after a step: on the rows of the step, or on held-out ones."""

    step: int
    loss: float | None = None
    held_out_loss: float | None = None


def losses(runtime: Runtime, run_id: UUID) -> Sequence[LossPoint]:
    """At most 300 points of each kind, evenly spaced, by step; raises NotFound.

    A run that went on from a checkpoint made some steps twice: the last time counts. Nothing is
    known of a run that has not begun, or whose folder is gone.
    """
    return losses_of(runtime, get(runtime, run_id))


def losses_of(runtime: Runtime, run: TrainingRecord) -> Sequence[LossPoint]:
    """The same of a run that is at hand."""
    try:
        lines = (run_folder(runtime, run.id) / PROGRESS).read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return ()
    return [*_points(lines, "loss"), *_points(lines, "held_out_loss")]


def _points(lines: Sequence[bytes], name: str) -> Sequence[LossPoint]:
    mark = f'"{name}"'.encode()
    told = [each for each in lines if mark in each]
    by_step: dict[int, LossPoint] = {}
    for line in _thinned(told):
        members: dict[str, Any] = orjson.loads(line)
        step, value = members.get("step"), members.get(name)
        if isinstance(step, int) and isinstance(value, int | float):
            by_step = {at: each for at, each in by_step.items() if at < step}
            by_step[step] = LossPoint(step, **{name: value})
    return list(by_step.values())


def _thinned(lines: Sequence[bytes]) -> Sequence[bytes]:
    """Evenly over the run, the last line always."""
    count = len(lines)
    if count <= MOST_POINTS:
        return lines
    return [lines[(at + 1) * count // MOST_POINTS - 1] for at in range(MOST_POINTS)]
