"""MOSS's conversations: marked turns with empty thoughts, commands and tool responses.

Sun et al. 2023, https://github.com/OpenMOSS/MOSS. Its trainer joins the texts of a turn as they
are, so they carry the marks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from app.domain.format import Format
from app.domain.options import option
from app.domain.records import Role, Row
from app.domain.turns import turns

_MARKS = (
    *("<|Human|>", "<|Inner Thoughts|>", "<|Commands|>", "<|Results|>", "<|MOSS|>"),
    *("<eoh>", "<eot>", "<eoc>", "<eor>", "<eom>"),
)
_NOTHING = {
    "Inner Thoughts": "<|Inner Thoughts|>: None<eot>\n",
    "Commands": "<|Commands|>: None<eoc>\n",
    "Tool Responses": "<|Results|>:\nNone\n<eor>\n",
}


@dataclass(frozen=True, kw_only=True)
class Moss(Format):
    """`{"conversation_id", "meta_instruction", "num_turns", "chat", "category"}`.

    `chat` maps `turn_1` and so on to what the person and MOSS say.
    """

    name: ClassVar[str] = "moss"
    file_suffix: ClassVar[str] = ".jsonl"
    description: ClassVar[str] = "MOSS's conversations, turn by turn with its marks."
    fixed_columns: ClassVar[bool] = False

    meta_instruction: str = option(
        "You are a helpful and honest AI assistant.\n",
        "stands before each conversation; MOSS's trainer wants one",
    )
    separator: str = option("\n\n", "what stands between the instruction and its input")

    def unfit(self, row: Row) -> str | None:
        """Turns go in pairs, and a text that holds a mark could not be told from it."""
        said = turns(row, self.separator)
        wanted = [Role.USER, Role.ASSISTANT] * (len(said) // 2)
        if [each.role for each in said] != wanted:
            return "turns_not_in_pairs"
        marked = any(mark in each.content for each in said for mark in _MARKS)
        return "holds_a_mark" if marked else None

    def line(self, row: Row) -> Mapping[str, object]:
        """The row's turns, two messages in each."""
        said = [each.content for each in turns(row, self.separator)]
        pairs = zip(said[::2], said[1::2], strict=True)
        chat = {f"turn_{at}": _turn(*pair) for at, pair in enumerate(pairs, 1)}
        return {
            "conversation_id": row.id,
            "meta_instruction": self.meta_instruction,
            "num_turns": len(chat),
            "chat": chat,
            "category": row.facts.get("topic", ""),
        }


def _turn(human: str, moss: str) -> Mapping[str, str]:
    asked, answered = f"<|Human|>: {human}<eoh>\n", f"<|MOSS|>: {moss}<eom>\n"
    return {"Human": asked, **_NOTHING, "MOSS": answered}
