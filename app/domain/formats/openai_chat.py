"""Conversations for OpenAI's fine-tuning, held to what its published checks ask of a file.

https://cookbook.openai.com/examples/chat_finetuning_data_prep: every line has messages, every
message a known role and a text, and an assistant speaks; the service wants its message last.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from app.domain.format import Format, TrainerShape
from app.domain.options import option
from app.domain.records import Row
from app.domain.turns import as_messages, no_last_answer, turns

LEAST_ROWS = 10  # OpenAI's fine-tuning guide: a file needs at least so many examples


@dataclass(frozen=True, kw_only=True)
class OpenaiChat(Format):
    """`{"messages": [{"role", "content"}, ...]}` without any other key."""

    name: ClassVar[str] = "openai_chat"
    file_suffix: ClassVar[str] = ".jsonl"
    description: ClassVar[str] = "OpenAI's fine-tuning lines, held to its published checks."

    system: str = option("", "a system message at the start of each conversation")
    separator: str = option("\n\n", "what stands between the instruction and its input")

    def unfit(self, row: Row) -> str | None:
        """What the checks call an error: a message without text, no answer at the end."""
        if any(not each.content.strip() for each in turns(row)[:-1]):
            return "empty_message"
        return no_last_answer(row)

    def line(self, row: Row) -> Mapping[str, object]:
        """The messages; an input follows its instruction in the user's message."""
        return {"messages": as_messages(row, self.separator, self.system)}

    def facts(self) -> Mapping[str, object]:
        """How many rows OpenAI wants at least."""
        return {"least_rows": LEAST_ROWS}

    def shape(self) -> TrainerShape:
        """Messages."""
        return TrainerShape.MESSAGES
