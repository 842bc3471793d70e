"""Prompts with worked examples before the question, as many as a budget of tokens allows."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple, TypeAlias

CountTokens: TypeAlias = Callable[[str], int]
_ASCII_PER_TOKEN = 4


class Shot(NamedTuple):
    """A worked example, or the question itself, as it is printed; `row` is where it came from."""

    row: int
    input: str
    target: str


@dataclass(frozen=True, slots=True)
class Layout:
    """What stands before inputs and targets, between the two, and between examples."""

    before_input: str
    before_target: str
    between: str

    def prompt(self, examples: Sequence[Shot], question: str) -> str:
        """The examples with their answers, then the question, open."""
        worked = [f"{self._asked(each.input)}{each.target}" for each in examples]
        return self.between.join([*worked, self._asked(question)]).rstrip()

    def _asked(self, question: str) -> str:
        return f"{self.before_input}{question}{self.before_target}"


LAYOUTS = (
    Layout("", "\n", "\n\n"),
    Layout("Q: ", "\nA: ", "\n\n"),
    Layout("Question: ", "\nAnswer: ", "\n\n"),
    Layout("Input: ", "\nOutput: ", "\n\n"),
    Layout("Problem: ", "\nSolution: ", "\n\n"),
    Layout("", "\n\n", "\n\n---\n\n"),
    Layout("Given:\n", "\nExpected:\n", "\n\n"),
    Layout("Task:\n", "\nResult:\n", "\n\n\n"),
    Layout("* ", "\n-> ", "\n"),
    Layout("Example\n", "\n= ", "\n\n##\n\n"),
)


def estimated_tokens(text: str) -> int:
    """About the tokens of a byte-level tokenizer: four ASCII characters each, others one each.

    >>> estimated_tokens("eight or so"), estimated_tokens("四个汉字")
    (3, 4)
    """
    ascii_characters = len(text.encode("ascii", "ignore"))
    return math.ceil(ascii_characters / _ASCII_PER_TOKEN) + len(text) - ascii_characters


def fitting_prompt(
    question: str,
    examples: Sequence[Shot],
    *,
    budget: int,
    count: CountTokens,
    chance: Random,
) -> tuple[str, Sequence[Shot]]:
    """The prompt with the first of the examples, as many as keep it within the budget.

    Without any that fits the prompt is the bare question.
    """
    layout = chance.choice(LAYOUTS)
    for number in range(len(examples), 0, -1):
        shown = examples[:number]
        prompt = layout.prompt(shown, question)
        if count(prompt) <= budget:
            return prompt, shown
    return question, ()
