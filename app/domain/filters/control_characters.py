"""Drops a row with characters in it that no text should hold."""

import re
from dataclasses import dataclass

from app.domain.filter import parts
from app.domain.records import Instance

# Unicode's C0 and C1 controls but for tab, line feed and carriage return; the byte order mark; the
# interlinear annotation marks; the mark of what could not be decoded; half surrogate pairs.
# What joins emoji or turns the direction of writing is text, and so are U+2028 and U+2029.
_STRAY = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ufff9-\ufffb\ufffd-\uffff\ud800-\udfff]"
)


@dataclass(frozen=True, slots=True)
class ControlCharacters:
    """A noise class of AlpacaDataCleaned (https://github.com/gururise/AlpacaDataCleaned)."""

    def reason(self, instruction: str, instance: Instance) -> str | None:
        found = any(_STRAY.search(text) for text in parts(instruction, instance) if text)
        return "control_characters" if found else None
