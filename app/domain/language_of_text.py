"""Which language a text is in, by py3langid's model of 97 languages."""

from typing import Any, cast

import py3langid  # pyright: ignore[reportMissingTypeStubs]

UNKNOWN = "und"


def language_of_text(text: str) -> str:
    """Its ISO 639-1 code; `und` where the text gives nothing to go by."""
    if not text.strip():
        return UNKNOWN
    code: str = cast("Any", py3langid).classify(text)[0]
    return code


def row_language(instruction: str, output: str) -> str:
    """The language of a row: of its instruction and its output together."""
    return language_of_text(f"{instruction}\n{output}")
