"""Drops an instruction whose first character is punctuation."""

import string
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PunctuationStart:
    """Python's `string.punctuation`, so ASCII alone, as in Self-Instruct's released code.

    `further` are the marks of another language that open no sentence.
    """

    further: str = ""

    def reason(self, instruction: str) -> str | None:
        marks = {*string.punctuation, *self.further}
        return "punctuation_start" if instruction[:1] in marks else None
