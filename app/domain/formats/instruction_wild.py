"""Instructions alone with their kind, as InstructionWild publishes what people asked.

Ni et al. 2023, https://github.com/XueFuzhao/InstructionWild.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from app.domain.format import Format
from app.domain.options import option
from app.domain.records import Row
from app.domain.turns import several_turns, task_text


@dataclass(frozen=True, kw_only=True)
class InstructionWild(Format):
    """`{"instruction", "instruction_type", "special_tag"}`, null where nothing is known.

    The published files hold no answers, so that each reader gets its own; `with_output` adds ours.
    """

    name: ClassVar[str] = "instruction_wild"
    file_suffix: ClassVar[str] = ".jsonl"
    description: ClassVar[str] = (
        "InstructionWild's lines: instructions with kind and tag, no answers."
    )

    with_output: bool = option(False, "add the answer as `output`")
    separator: str = option("\n\n", "what stands between the instruction and its input")

    def unfit(self, row: Row) -> str | None:
        """A dialogue of several exchanges has no single instruction."""
        return several_turns(row)

    def line(self, row: Row) -> Mapping[str, object]:
        """The whole task as the instruction."""
        line: dict[str, object] = {
            "instruction": task_text(row, self.separator),
            "instruction_type": row.facts.get("instruction_type") or _kind(row),
            "special_tag": row.facts.get("special_tag"),
        }
        return line | {"output": row.output} if self.with_output else line


def _kind(row: Row) -> str | None:
    """The one published kind that every row can be told to be."""
    return "Classification" if row.is_classification else None
