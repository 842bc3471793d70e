"""Conversations in ShareGPT's layout, which many trainers of chat models read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from app.domain.format import Format, TrainerShape
from app.domain.options import option
from app.domain.records import Role, Row
from app.domain.turns import turns

_SPEAKERS = {Role.USER: "human", Role.ASSISTANT: "gpt"}


@dataclass(frozen=True, kw_only=True)
class ShareGpt(Format):
    """`{"id", "conversations": [{"from": "human" or "gpt", "value"}, ...]}`."""

    name: ClassVar[str] = "sharegpt"
    file_suffix: ClassVar[str] = ".jsonl"
    description: ClassVar[str] = "ShareGPT's conversations: turns from human and gpt."

    separator: str = option("\n\n", "what stands between the instruction and its input")

    def line(self, row: Row) -> Mapping[str, object]:
        """The row's turns under its id."""
        said = [
            {"from": _SPEAKERS[each.role], "value": each.content}
            for each in turns(row, self.separator)
        ]
        return {"id": row.id, "conversations": said}

    def shape(self) -> TrainerShape:
        """ShareGPT's."""
        return TrainerShape.SHAREGPT
