"""The dataset types that TRL's SFTTrainer takes: conversations or texts, whole or parted.

https://huggingface.co/docs/trl/dataset_formats. With prompt and completion apart it learns from the
completion only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from app.domain.format import Format, TrainerShape
from app.domain.headed_blocks import PREAMBLE, PREAMBLE_WITH_INPUT, headed_blocks
from app.domain.options import option
from app.domain.records import Row
from app.domain.turns import as_messages, no_last_answer, several_turns


class TrlType(StrEnum):
    """TRL's names: language modelling or prompt-completion, conversational or standard."""

    MESSAGES = "messages"
    PROMPT_COMPLETION_MESSAGES = "prompt_completion_messages"
    PROMPT_COMPLETION_TEXT = "prompt_completion_text"
    TEXT = "text"


@dataclass(frozen=True, kw_only=True)
class Trl(Format):
    """`{"messages"}`, `{"prompt", "completion"}` as lists of messages or as texts, or `{"text"}`.

    No end mark is written: the trainer appends its tokenizer's.
    """

    name: ClassVar[str] = "trl"
    file_suffix: ClassVar[str] = ".jsonl"
    description: ClassVar[str] = "What TRL's SFTTrainer takes, in any of its four types."

    type: TrlType = option(TrlType.PROMPT_COMPLETION_MESSAGES, "which of TRL's dataset types")
    system: str = option("", "a system message at the start of each list of messages")
    separator: str = option("\n\n", "what stands between instruction and input in a message")
    preamble: str = option(
        PREAMBLE, "the sentence above the text of a task without input; empty leaves it out"
    )
    preamble_with_input: str = option(
        PREAMBLE_WITH_INPUT, "the sentence above the text of a task with input; empty leaves it out"
    )

    with_score: bool = option(
        False, "add the score that a judge gave to the row as `score`, null where none did"
    )

    @property
    def wants_score(self) -> bool:
        """As the option says."""
        return self.with_score

    def unfit(self, row: Row) -> str | None:
        """A text holds no dialogue, and nothing is learnt without an answer at the end."""
        is_text = self.type in (TrlType.TEXT, TrlType.PROMPT_COMPLETION_TEXT)
        return (several_turns(row) if is_text else None) or no_last_answer(row)

    def line(self, row: Row) -> Mapping[str, object]:
        """The row under the column names of its type."""
        return {**self._columns(row), **({"score": row.score} if self.with_score else {})}

    def _columns(self, row: Row) -> Mapping[str, object]:
        messages = as_messages(row, self.separator, self.system)
        match self.type:
            case TrlType.MESSAGES:
                return {"messages": messages}
            case TrlType.PROMPT_COMPLETION_MESSAGES:
                return {"prompt": messages[:-1], "completion": messages[-1:]}
            case TrlType.PROMPT_COMPLETION_TEXT:
                return {"prompt": self._prompt(row), "completion": row.output}
            case TrlType.TEXT:
                return {"text": f"{self._prompt(row)}{row.output}"}

    def shape(self) -> TrainerShape | None:
        """Those of the types that other trainers know too."""
        match self.type:
            case TrlType.MESSAGES:
                return TrainerShape.MESSAGES
            case TrlType.PROMPT_COMPLETION_TEXT:
                return TrainerShape.PROMPT_COMPLETION
            case _:
                return None

    def _prompt(self, row: Row) -> str:
        above = {"preamble": self.preamble, "preamble_with_input": self.preamble_with_input}
        return f"{headed_blocks(row, **above)}\n"
