"""Drops an instruction of too few or too many characters."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CharacterCount:
    """For scripts that do not part their words; white space does not count."""

    minimum: int = 4
    maximum: int = 149

    def reason(self, instruction: str) -> str | None:
        count = sum(not char.isspace() for char in instruction)
        if count < self.minimum:
            return "too_short"
        return "too_long" if count > self.maximum else None
