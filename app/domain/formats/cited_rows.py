"""Rows with the place in the user's documents that each was answered from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from app.domain.format import Format
from app.domain.records import Row
from app.domain.turns import several_turns


@dataclass(frozen=True, kw_only=True)
class CitedRows(Format):
    """`{"id", "instruction", "input", "output", "document", "chunk", "place"}`.

    The last three are null for a row that no document stands behind.
    """

    name: ClassVar[str] = "cited_rows"
    file_suffix: ClassVar[str] = ".jsonl"
    description: ClassVar[str] = "Alpaca's columns with the document, chunk and place of each row."

    def unfit(self, row: Row) -> str | None:
        """A dialogue of several exchanges has no single task."""
        return several_turns(row)

    def line(self, row: Row) -> Mapping[str, object]:
        """The row under its id, with its citation."""
        return {
            "id": row.id,
            "instruction": row.instruction,
            "input": row.input,
            "output": row.output,
            "document": row.facts.get("document"),
            "chunk": row.facts.get("chunk"),
            "place": row.facts.get("place"),
        }
