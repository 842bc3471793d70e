"""Drops an instruction that holds a word which text alone cannot serve, such as a picture."""

import re
from dataclasses import dataclass
from functools import cache

from app.domain.options import option

PUBLISHED_BLACKLIST = (
    "image",
    "images",
    "graph",
    "graphs",
    "picture",
    "pictures",
    "file",
    "files",
    "map",
    "maps",
    "draw",
    "plot",
    "go to",
)


@dataclass(frozen=True, slots=True)
class BlacklistedWord:
    """Whole words, case ignored: the 13 of Self-Instruct's released code unless told otherwise."""

    words: tuple[str, ...] = option(PUBLISHED_BLACKLIST, "words that do not fit")

    def reason(self, instruction: str) -> str | None:
        found = self.words and _any_of(self.words).search(instruction)
        return "blacklisted_word" if found else None


@cache
def _any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"\b({'|'.join(map(re.escape, words))})\b", re.IGNORECASE)
