"""Drops an instruction that holds an unfit phrase, in scripts that do not part their words."""

from dataclasses import dataclass

from app.domain.options import option


@dataclass(frozen=True, slots=True)
class BlacklistedPhrase:
    """Anywhere in the text, case ignored, as BELLE does for Chinese."""

    phrases: tuple[str, ...] = option((), "phrases that do not fit")

    def reason(self, instruction: str) -> str | None:
        lowered = instruction.lower()
        found = any(phrase and phrase.lower() in lowered for phrase in self.phrases)
        return "blacklisted_phrase" if found else None
