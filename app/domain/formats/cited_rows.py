"""Rows with the place in the user's documents that each was answered from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from app.domain.records import Row


@dataclass(frozen=True, kw_only=True)
class CitedRows:
    """`{"id", "instruction", "input", "output", "document", "chunk", "place"}`.

    The last three are null for a row that no document stands behind.
    """

    name: ClassVar[str] = "cited_rows"
    file_suffix: ClassVar[str] = ".jsonl"
    description: ClassVar[str] = "Alpaca's columns with the document, chunk and place of each row."

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
