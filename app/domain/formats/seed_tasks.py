"""Rows as seeds: one line per instruction with all its instances, ready for another round.

Wang et al. 2023, https://arxiv.org/abs/2212.10560: the file `seed_tasks.jsonl`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from app.domain.format import Format
from app.domain.records import Row
from app.domain.turns import several_turns

_WORD = re.compile(r"\w+")
_WORDS_OF_A_NAME = 5


@dataclass(frozen=True, kw_only=True)
class SeedTasks(Format):
    """`{"id", "name", "instruction", "instances": [{"input", "output"}], "is_classification"}`."""

    name: ClassVar[str] = "seed_tasks"
    file_suffix: ClassVar[str] = ".jsonl"
    description: ClassVar[str] = "Self-Instruct's seed file: instructions with their instances."
    per_task: ClassVar[bool] = True

    def unfit(self, row: Row) -> str | None:
        """A dialogue of several exchanges is no seed."""
        return several_turns(row)

    def line(self, row: Row) -> Mapping[str, object]:
        """The instruction under the id of its first row, named by its first words."""
        return {
            "id": f"seed_task_{row.id}",
            "name": "_".join(_WORD.findall(row.instruction.lower())[:_WORDS_OF_A_NAME]),
            "instruction": row.instruction,
            "instances": [{"input": each.input, "output": each.output} for each in row.instances],
            "is_classification": bool(row.is_classification),
        }
