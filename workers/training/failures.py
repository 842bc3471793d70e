"""What can go wrong with a run, and the exit status that tells of it."""

import traceback
from typing import Any

import torch

from app.domain.training_ending import Ending
from app.errors import InvalidInput


class BadRun(Exception):
    """The settings, the data or the base model cannot be used; the message says how to mend it."""


class NoDevice(Exception):
    """The device that is wanted is not there."""


class Diverged(Exception):
    """The loss is no number any more."""


class Interrupted(Exception):
    """Somebody asked for a stop while nothing was being learnt."""


# torch has no class of its own for a CPU that is out of memory.
_MEMORY_WORDS = ("out of memory", "can't allocate memory", "cannot allocate memory")
_ADVICE = (
    "The device ran out of memory: lower max_length or batch_size, turn checkpointing on, or take "
    "a smaller rank or base model."
)


def ending_of(error: BaseException) -> Ending:
    """The exit status for an error."""
    if isinstance(error, InvalidInput | BadRun):
        return Ending.BAD_INPUT
    if isinstance(error, NoDevice):
        return Ending.NO_DEVICE
    if isinstance(error, Diverged):
        return Ending.DIVERGED
    return Ending.OUT_OF_MEMORY if _is_memory(error) else Ending.FAILED


def told(error: BaseException) -> dict[str, Any]:
    """The members of error.json: a sentence for people; of what was not foreseen, all the rest."""
    ending = ending_of(error)
    detail = str(error)
    if isinstance(error, InvalidInput):
        detail = " ".join([detail, *(f"{each.pointer}: {each.detail}." for each in error.problems)])
    elif ending is Ending.OUT_OF_MEMORY:
        detail = _ADVICE
    elif ending is Ending.FAILED:
        detail = f"{type(error).__name__}: {error}"
    members: dict[str, Any] = {"ending": ending.name.lower(), "detail": detail}
    if ending in (Ending.FAILED, Ending.OUT_OF_MEMORY):
        members["traceback"] = traceback.format_exception(error)
        members["peak_memory_bytes"] = (
            torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None
        )
    return members


def _is_memory(error: BaseException) -> bool:
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in text for words in _MEMORY_WORDS)
