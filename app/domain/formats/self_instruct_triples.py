"""Triples as Self-Instruct publishes its finished rows: instruction, input, output.

Wang et al. 2023, https://arxiv.org/abs/2212.10560.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from app.domain.format import Format, TrainerShape
from app.domain.records import Row
from app.domain.turns import several_turns


@dataclass(frozen=True, kw_only=True)
class SelfInstructTriples(Format):
    """`{"instruction", "input", "output"}`, the input empty where the task needs none."""

    name: ClassVar[str] = "self_instruct_triples"
    file_suffix: ClassVar[str] = ".jsonl"
    description: ClassVar[str] = "Self-Instruct's finished rows: instruction, input, output."

    def unfit(self, row: Row) -> str | None:
        """A dialogue of several exchanges has no single task."""
        return several_turns(row)

    def line(self, row: Row) -> Mapping[str, object]:
        """The three texts, exactly as they are."""
        return {"instruction": row.instruction, "input": row.input, "output": row.output}

    def shape(self) -> TrainerShape:
        """Alpaca's, whose columns are the same."""
        return TrainerShape.ALPACA
