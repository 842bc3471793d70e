"""Drops all instances of an instruction when one input was given two different outputs."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.records import Instance


@dataclass(frozen=True, slots=True)
class ConflictingOutputs:
    """Self-Instruct's released code; an empty input conflicts with nothing."""

    def reasons(self, instances: Sequence[Instance]) -> Sequence[str | None]:
        outputs: dict[str, str] = {}
        conflict = False
        for each in instances:
            first = outputs.setdefault(each.input, each.output)
            conflict = conflict or (each.input != "" and first != each.output)
        return ["conflicting_outputs" if conflict else None] * len(instances)
