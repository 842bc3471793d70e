"""Drops a row whose answer is N/A or another way to say that there is none."""

import re
from dataclasses import dataclass

from app.domain.filter import answers
from app.domain.records import Instance

_NONE = re.compile(
    r"\W*(?:n\s?/\s?a|not (?:applicable|available)|no\s?output|不适用|无(?:需)?输出)\W*",
    re.IGNORECASE,
)
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class NotAvailable:
    """A noise class of AlpacaDataCleaned (https://github.com/gururise/AlpacaDataCleaned).

    «None» alone is left: it is the right answer to many a question.
    """

    def reason(self, instruction: str, instance: Instance) -> str | None:
        found = any(len(text) <= _LONGEST and _NONE.fullmatch(text) for text in answers(instance))
        return "not_available" if found else None
