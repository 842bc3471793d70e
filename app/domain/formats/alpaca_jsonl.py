"""The columns of the Stanford Alpaca dataset, one row a line instead of one JSON list.

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
class AlpacaJsonl(Format):
    """`{"instruction", "input", "output"}`, with the row's id in front if asked for."""

    name: ClassVar[str] = "alpaca_jsonl"
    file_suffix: ClassVar[str] = ".jsonl"
    description: ClassVar[str] = "Alpaca's columns (instruction, input, output), one row a line."

    with_id: bool = option(False, "begin each line with the row's id")

    def unfit(self, row: Row) -> str | None:
        """A dialogue of several exchanges has no single task."""
        return several_turns(row)

    def line(self, row: Row) -> Mapping[str, object]:
        """The row under Alpaca's column names."""
        return alpaca_columns(row, with_id=self.with_id)

    def shape(self) -> TrainerShape:
        """Alpaca's."""
        return TrainerShape.ALPACA
