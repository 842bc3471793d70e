"""Drops a row whose input says in words that there is no input."""

import re
from dataclasses import dataclass

from app.domain.records import Instance

_NO_INPUT = re.compile(r"\W*(?:no\s?input|无(?:需)?输入)\W*", re.IGNORECASE)
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class NoInput:
    """A noise class of AlpacaDataCleaned (https://github.com/gururise/AlpacaDataCleaned).

    Alpaca's mark is ``<noinput>`` and BELLE's ``<无输入>``; teachers spell them in many ways, and a
    model that is trained on them learns them as text.
    """

    def reason(self, instruction: str, instance: Instance) -> str | None:
        given = instance.input
        if not given or len(given) > _LONGEST:
            return None
        return "no_input" if _NO_INPUT.fullmatch(given) else None
