"""Rows as conversations, the layout that chat templates and trainers read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from app.domain.options import option
from app.domain.records import Row
from app.domain.turns import turns


@dataclass(frozen=True, kw_only=True)
class ChatMessages:
    """`{"messages": [{"role", "content"}, ...]}`: the user's task, the assistant's answer, ..."""

    name: ClassVar[str] = "chat_messages"
    file_suffix: ClassVar[str] = ".jsonl"
    description: ClassVar[str] = "Conversations of a user's task and the assistant's answer."

    system: str = option("", "a system message at the start of each conversation")
    separator: str = option("\n\n", "what stands between the instruction and its input")

    def line(self, row: Row) -> Mapping[str, object]:
        """The messages; an input follows its instruction in the user's message."""
        messages = [_message(each.role, each.content) for each in turns(row, self.separator)]
        if self.system:
            messages.insert(0, _message("system", self.system))
        return {"messages": messages}


def _message(role: str, content: str) -> Mapping[str, object]:
    return {"role": role, "content": content}
