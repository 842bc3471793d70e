"""Drops an instruction whose first character is not ASCII."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NonAsciiStart:
    """Self-Instruct's guard against other languages; only the first character is looked at."""

    def reason(self, instruction: str) -> str | None:
        return None if instruction[:1].isascii() else "non_ascii_start"
