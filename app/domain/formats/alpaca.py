"""The file of the Stanford Alpaca dataset: one JSON list of tasks with their answers.

Taori et al. 2023, https://github.com/tatsu-lab/stanford_alpaca.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from app.domain.alpaca_columns import alpaca_columns
from app.domain.format import Format, TrainerShape
from app.domain.options import option
from app.domain.records import Row
from app.domain.turns import several_turns


@dataclass(frozen=True, kw_only=True)
class Alpaca(Format):
    """`{"instruction", "input", "output"}`, with the row's id in front if asked for."""

    name: ClassVar[str] = "alpaca"
    file_suffix: ClassVar[str] = ".json"
    description: ClassVar[str] = "Alpaca's file: one JSON list of instruction, input, output."

    with_id: bool = option(False, "begin each task with the row's id")

    def unfit(self, row: Row) -> str | None:
        """A dialogue of several exchanges has no single task."""
        return several_turns(row)

    def line(self, row: Row) -> Mapping[str, object]:
        """The row under Alpaca's column names."""
        return alpaca_columns(row, with_id=self.with_id)

    def shape(self) -> TrainerShape:
        """Alpaca's."""
        return TrainerShape.ALPACA
