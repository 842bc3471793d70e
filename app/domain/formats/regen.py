"""What Alpaca's generator keeps of each task: its columns, and how near the pool was to it.

Taori et al. 2023, https://github.com/tatsu-lab/stanford_alpaca: the file `regen.json`, from which
its generator also goes on after a stop.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from app.domain.alpaca_columns import alpaca_columns
from app.domain.format import Format, TrainerShape
from app.domain.records import Row
from app.domain.turns import several_turns


@dataclass(frozen=True, kw_only=True)
class Regen(Format):
    """Alpaca's columns, `most_similar_instructions` (text to score) and `avg_similarity_score`."""

    name: ClassVar[str] = "regen"
    file_suffix: ClassVar[str] = ".json"
    description: ClassVar[str] = "Alpaca's regen.json: its columns with the nearest instructions."
    fixed_columns: ClassVar[bool] = False
    wants_origin: ClassVar[bool] = True

    def unfit(self, row: Row) -> str | None:
        """Without a proposing call there is no similarity; a dialogue has no single task."""
        return several_turns(row) or (None if row.origin else "no_proposing_call")

    def line(self, row: Row) -> Mapping[str, object]:
        """The row with its neighbours, the nearest first."""
        origin = row.origin
        return alpaca_columns(row) | {
            "most_similar_instructions": dict(origin.most_similar) if origin else {},
            "avg_similarity_score": origin.avg_similarity_score if origin else 0.0,
        }

    def shape(self) -> TrainerShape:
        """Alpaca's; the further columns are ignored."""
        return TrainerShape.ALPACA
