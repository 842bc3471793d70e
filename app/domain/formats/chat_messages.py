"""Rows as conversations, the layout that chat templates and trainers read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from app.domain.format import Format, TrainerShape
from app.domain.options import option
from app.domain.records import Row
from app.domain.turns import as_messages


@dataclass(frozen=True, kw_only=True)
class ChatMessages(Format):
    """`{"messages": [{"role", "content"}, ...]}`: the user's task, the assistant's answer, ..."""

    name: ClassVar[str] = "chat_messages"
    file_suffix: ClassVar[str] = ".jsonl"
    description: ClassVar[str] = "Conversations of a user's task and the assistant's answer."

    system: str = option("", "a system message at the start of each conversation")
    separator: str = option("\n\n", "what stands between the instruction and its input")

    def line(self, row: Row) -> Mapping[str, object]:
        """The messages; an input follows its instruction in the user's message."""
        return {"messages": as_messages(row, self.separator, self.system)}

    def shape(self) -> TrainerShape:
        """Messages."""
        return TrainerShape.MESSAGES
