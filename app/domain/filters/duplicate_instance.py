"""Drops an instance that repeats an earlier one of the same instruction."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.records import Instance


@dataclass(frozen=True, slots=True)
class DuplicateInstance:
    """Self-Instruct's released code, which loses the order; here the first one stays in place."""

    def reasons(self, instances: Sequence[Instance]) -> Sequence[str | None]:
        seen: set[tuple[str, str]] = set()
        found: list[str | None] = []
        for each in instances:
            pair = (each.input, each.output)
            found.append("duplicate_instance" if pair in seen else None)
            seen.add(pair)
        return found
