"""Evolved instructions with their answers, as the published code writes them.

Xu et al. 2023 (WizardLM), https://arxiv.org/abs/2304.12244.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from app.domain.format import Format
from app.domain.options import option
from app.domain.records import Row
from app.domain.turns import several_turns, task_text


@dataclass(frozen=True, kw_only=True)
class EvolInstruct(Format):
    """`{"instruction", "output"}`; an input follows its instruction."""

    name: ClassVar[str] = "evol_instruct"
    file_suffix: ClassVar[str] = ".json"
    description: ClassVar[str] = "Evol-Instruct's file: one JSON list of instruction and output."

    separator: str = option(
        "\r\n", "what stands between the instruction and its input (published: CR LF)"
    )

    def unfit(self, row: Row) -> str | None:
        """A dialogue of several exchanges has no single instruction."""
        return several_turns(row)

    def line(self, row: Row) -> Mapping[str, object]:
        """The whole task as the instruction."""
        return {"instruction": task_text(row, self.separator), "output": row.output}
