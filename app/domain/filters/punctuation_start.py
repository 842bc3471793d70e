"""Drops an instruction whose first character is punctuation."""

import string
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PunctuationStart:
    """Python's `string.punctuation`, so ASCII alone, as in Self-Instruct's released code."""

    def reason(self, instruction: str) -> str | None:
        return "punctuation_start" if instruction[:1] in set(string.punctuation) else None
