"""The columns of the Stanford Alpaca dataset, one row a line instead of one JSON list.

Taori et al. 2023, https://github.com/tatsu-lab/stanford_alpaca.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from app.domain.options import option
from app.domain.records import Row


@dataclass(frozen=True, kw_only=True)
class Alpaca:
    """`{"instruction", "input", "output"}`, with the row's id in front if asked for.

    Trainers that know Alpaca build the prompt themselves and tell a task without input by the
    empty text, so an input of nothing but white space is written as the empty text.
    """

    name: ClassVar[str] = "alpaca"
    file_suffix: ClassVar[str] = ".jsonl"
    description: ClassVar[str] = "Alpaca's columns (instruction, input, output), one row a line."

    with_id: bool = option(False, "begin each line with the row's id")

    def line(self, row: Row) -> Mapping[str, object]:
        """The row under Alpaca's column names."""
        columns = {
            "instruction": row.instruction,
            "input": row.input if row.input.strip() else "",
            "output": row.output,
        }
        return {"id": row.id, **columns} if self.with_id else columns
