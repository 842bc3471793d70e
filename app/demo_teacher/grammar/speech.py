"""What the script needs from a language: tasks, answers and turns, drawn at random."""

from random import Random
from typing import Protocol


class Speech(Protocol):
    """One language spoken from one `Random`; every call draws anew."""

    rng: Random

    def instruction(self, *, only_classification: bool = False) -> str:
        """A fresh task; a share of them classification tasks."""
        ...

    def near_copy(self, shown: list[str]) -> str:
        """A shown instruction, or one of a small fixed list, with hardly anything changed."""
        ...

    def flawed(self) -> str:
        """A task that one of the usual quality rules drops."""
        ...

    def labels(self, task: str) -> list[str]:
        """At least two class labels, the task's own where it names them."""
        ...

    def passage(self, task: str) -> str:
        """A text that such a task could be about (an instance's input)."""
        ...

    def answer(self, task: str) -> str:
        """A text that could answer the task (an instance's output)."""
        ...

    def question(self, topic: str) -> str:
        """What a person asks about a topic."""
        ...

    def harder(self, task: str) -> str:
        """The task with one more demand."""
        ...

    def reason(self) -> str:
        """One sentence that gives a reason for a judgement."""
        ...
