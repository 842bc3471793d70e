"""Drops an instruction that opens with words which teachers overuse."""

from dataclasses import dataclass

from app.domain.options import option


@dataclass(frozen=True, slots=True)
class ForbiddenStart:
    """Case ignored; «Write a program» in Self-Instruct's released code.

    (There the text is capitalised first, so case does not matter there either.)
    """

    starts: tuple[str, ...] = option(("Write a program",), "words that nothing may open with")

    def reason(self, instruction: str) -> str | None:
        lowered = instruction.lower()
        found = any(start and lowered.startswith(start.lower()) for start in self.starts)
        return "forbidden_start" if found else None
