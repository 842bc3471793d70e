"""Prompts and completions in the 13 layouts that Self-Instruct draws from for fine-tuning.

Wang et al. 2023, https://arxiv.org/abs/2212.10560: seven layouts for tasks with an input and six
for those without, so that a model does not learn one of them by heart.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from app.domain.format import Format, TrainerShape
from app.domain.options import option
from app.domain.records import Row
from app.domain.turns import several_turns

# Each layout with what its completions begin with.
_WITH_INPUT = (
    ("{0}\nInput: {1}\nOutput:", " "),
    ("{0}\n\nInput: {1}\n\nOutput:", " "),
    ("Task: {0}\nInput: {1}\nOutput:", " "),
    ("{0}\n\n{1}\n\nOutput:", " "),
    ("{0}\n\n{1}\n\n", ""),
    ("{0}\n{1}\n\n", ""),
    ("Task: {0}\n\n{1}\n\n", ""),
)
_WITHOUT_INPUT = (
    ("{0} Output:", " "),
    ("{0}\nOutput:", " "),
    ("{0}\n\nOutput:", " "),
    ("{0}\n", ""),
    ("{0}\n\n", ""),
    ("Task: {0}\n\n", ""),
)
_LABEL = re.compile(r"\w+:")


@dataclass(frozen=True, kw_only=True)
class Gpt3Finetuning(Format):
    """`{"prompt", "completion"}`; the layout of a row is drawn by the seed and the row's id."""

    name: ClassVar[str] = "gpt3_finetuning"
    file_suffix: ClassVar[str] = ".jsonl"
    description: ClassVar[str] = "Self-Instruct's prompts and completions in 13 layouts."

    layout_with_input: int | None = option(
        None, "one layout for all tasks with input instead of one of 7", minimum=1, maximum=7
    )
    layout_without_input: int | None = option(
        None, "one layout for all tasks without input instead of one of 6", minimum=1, maximum=6
    )
    plain_share: float = option(
        0.5,
        "share of rows whose input loses its only label and its blank lines (published: half)",
        minimum=0.0,
        maximum=1.0,
    )
    end: str = option("<|endoftext|>", "ends each completion; empty leaves it out")
    seed: int = option(0, "draws the layouts", minimum=0)

    def unfit(self, row: Row) -> str | None:
        """A dialogue of several exchanges has no single prompt."""
        return several_turns(row)

    def line(self, row: Row) -> Mapping[str, object]:
        """The row in its layout."""
        rng = Random(f"{self.seed} {row.id}")
        given = plain_input(row.input) if rng.random() < self.plain_share else row.input
        layout, before = self._layout(rng, has_input=bool(given.strip()))
        prompt = layout.format(row.instruction, given)
        return {"prompt": prompt, "completion": f"{before}{row.output}{self.end}"}

    def shape(self) -> TrainerShape:
        """Plain prompts and completions."""
        return TrainerShape.PROMPT_COMPLETION

    def _layout(self, rng: Random, *, has_input: bool) -> tuple[str, str]:
        layouts = _WITH_INPUT if has_input else _WITHOUT_INPUT
        chosen = self.layout_with_input if has_input else self.layout_without_input
        return rng.choice(layouts) if chosen is None else layouts[chosen - 1]


def plain_input(given: str) -> str:
    """The input without its label, if it has but one (`Sentence:`), and with no blank lines."""
    labels = set(_LABEL.findall(given))
    rest = given.partition(labels.pop())[2].lstrip() if len(labels) == 1 else given
    return (rest or given).replace("\n\n", "\n")
