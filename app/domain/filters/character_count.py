"""Drops an instruction of too few or too many characters."""

from dataclasses import dataclass

from app.domain.options import option


@dataclass(frozen=True, slots=True)
class CharacterCount:
    """For scripts that do not part their words; white space does not count."""

    minimum: int = option(4, "characters at least", minimum=0, maximum=100_000)
    maximum: int = option(149, "characters at most", minimum=1, maximum=100_000)

    def reason(self, instruction: str) -> str | None:
        count = sum(not char.isspace() for char in instruction)
        if count < self.minimum:
            return "too_short"
        return "too_long" if count > self.maximum else None
