"""Whole prompts with their completions, in Alpaca's published layout of headed blocks.

Taori et al. 2023, https://github.com/tatsu-lab/stanford_alpaca; the sentence above the blocks is
our own and an option, so that who needs another wording gives it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from app.domain.options import option
from app.domain.records import Row


@dataclass(frozen=True, kw_only=True)
class PromptCompletion:
    """`{"prompt", "completion"}`; the completion begins right after the last heading.

    No end mark is written: the trainer appends its tokenizer's.
    """

    name: ClassVar[str] = "prompt_completion"
    file_suffix: ClassVar[str] = ".jsonl"
    description: ClassVar[str] = "Whole prompts in Alpaca's layout, each with its completion."

    preamble: str = option(
        "The task below is given as an instruction. Answer it in full.",
        "the sentence above a task without input; empty leaves it out",
    )
    preamble_with_input: str = option(
        "The task below is given as an instruction, and its input follows it. Answer it in full.",
        "the sentence above a task with input; empty leaves it out",
    )

    def line(self, row: Row) -> Mapping[str, object]:
        """The prompt up to and including its last heading, and the output as it is."""
        return {"prompt": "\n\n".join(self._blocks(row)), "completion": row.output}

    def _blocks(self, row: Row) -> list[str]:
        has_input = bool(row.input.strip())
        preamble = self.preamble_with_input if has_input else self.preamble
        blocks = [preamble] if preamble else []
        blocks.append(f"### Instruction:\n{row.instruction}")
        if has_input:
            blocks.append(f"### Input:\n{row.input}")
        return [*blocks, "### Response:"]
