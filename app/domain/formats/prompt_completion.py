"""Whole prompts with their completions, in Alpaca's published layout of headed blocks.

Taori et al. 2023, https://github.com/tatsu-lab/stanford_alpaca; the sentence above the blocks is
our own and an option, so that who needs another wording gives it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from app.domain.format import Format, TrainerShape
from app.domain.headed_blocks import PREAMBLE, PREAMBLE_WITH_INPUT, headed_blocks
from app.domain.options import option
from app.domain.records import Row
from app.domain.turns import several_turns


@dataclass(frozen=True, kw_only=True)
class PromptCompletion(Format):
    """`{"prompt", "completion"}`; the completion begins right after the last heading.

    No end mark is written: the trainer appends its tokenizer's.
    """

    name: ClassVar[str] = "prompt_completion"
    file_suffix: ClassVar[str] = ".jsonl"
    description: ClassVar[str] = "Whole prompts in Alpaca's layout, each with its completion."

    preamble: str = option(PREAMBLE, "the sentence above a task without input; empty leaves it out")
    preamble_with_input: str = option(
        PREAMBLE_WITH_INPUT, "the sentence above a task with input; empty leaves it out"
    )

    def unfit(self, row: Row) -> str | None:
        """A dialogue of several exchanges has no single prompt."""
        return several_turns(row)

    def line(self, row: Row) -> Mapping[str, object]:
        """The prompt up to and including its last heading, and the output as it is."""
        prompt = headed_blocks(
            row, preamble=self.preamble, preamble_with_input=self.preamble_with_input
        )
        return {"prompt": prompt, "completion": row.output}

    def shape(self) -> TrainerShape:
        """Plain prompts and completions."""
        return TrainerShape.PROMPT_COMPLETION
