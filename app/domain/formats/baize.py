"""Transcripts in the layout of Baize's published data: one JSON list.

Xu et al. 2023, https://arxiv.org/abs/2304.01196. The sentence above a transcript is our own and an
option.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from app.domain.format import Format
from app.domain.options import option
from app.domain.records import Role, Row
from app.domain.turns import turns

_MARKS = {Role.USER: "[|Human|]", Role.ASSISTANT: "[|AI|]"}


@dataclass(frozen=True, kw_only=True)
class Baize(Format):
    """`{"topic", "input"}`: the topic, and marked turns that end in an open turn of the person.

    The open turn teaches a model to hand over; `open_turn` leaves it out.
    """

    name: ClassVar[str] = "baize"
    file_suffix: ClassVar[str] = ".json"
    description: ClassVar[str] = "Baize's transcripts with [|Human|] and [|AI|], by topic."

    header: str = option(
        "Below is a conversation between a human and an AI assistant.",
        "the sentence above each transcript; empty leaves it out",
    )
    open_turn: bool = option(True, "end each transcript with an open turn of the person")
    separator: str = option("\n\n", "what stands between the instruction and its input")

    def unfit(self, row: Row) -> str | None:
        """A text that holds the mark of a turn could not be told from a turn."""
        said = [each.content for each in turns(row, self.separator)]
        marked = any(mark in each for each in said for mark in _MARKS.values())
        return "holds_a_mark" if marked else None

    def line(self, row: Row) -> Mapping[str, object]:
        """The row's turns, each on a line of its own behind its mark."""
        lines = [self.header] if self.header else []
        lines += [f"{_MARKS[each.role]} {each.content}" for each in turns(row, self.separator)]
        lines += ["[|Human|] "] if self.open_turn else []
        return {"topic": row.facts.get("topic", row.instruction), "input": "\n".join(lines)}
