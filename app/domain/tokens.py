"""The two tokenizers of the novelty rule: rouge-score's own and one for every script."""

import re
import unicodedata
from collections.abc import Callable
from enum import StrEnum
from functools import cache
from typing import assert_never

_ALPHANUMERIC_RUN = re.compile("[a-z0-9]+")

# Inclusive code point ranges of Unicode 16 Scripts.txt, letters and numbers only.
_ONE_TOKEN_EACH = (
    (0x2E80, 0x2FD5),  # Han radicals
    (0x3005, 0x3007),  # Han iteration mark, closing mark, zero
    (0x3021, 0x3029),  # Hangzhou numerals
    (0x3031, 0x3035),  # vertical kana repeat marks
    (0x3038, 0x303C),  # Hangzhou tens, Han iteration marks
    (0x3041, 0x3096),  # Hiragana
    (0x309D, 0x309F),
    (0x30A1, 0x30FA),  # Katakana
    (0x30FC, 0x30FF),
    (0x31F0, 0x31FF),  # Katakana phonetic extensions
    (0x3400, 0x4DBF),  # Han, extension A
    (0x4E00, 0x9FFF),  # Han
    (0xF900, 0xFAD9),  # Han compatibility
    (0xFF66, 0xFF9F),  # half-width Katakana
    (0x16FF0, 0x16FF1),  # Vietnamese Han reading marks
    (0x1AFF0, 0x1AFFE),  # Katakana, Minnan tones
    (0x1B000, 0x1B167),  # historic kana
    (0x20000, 0x323AF),  # Han, extensions B to H
    (0x0E01, 0x0E7F),  # Thai
    (0x0E80, 0x0EFF),  # Lao
    (0x1000, 0x109F),  # Myanmar
    (0xA9E0, 0xA9FE),  # Myanmar extended B
    (0xAA60, 0xAA7F),  # Myanmar extended A
    (0x116D0, 0x116E3),  # Myanmar extended C
    (0x1780, 0x17E9),  # Khmer
)
_LAST_WITH_MARKS = 0xE01EF
_HOLES = range(0x33480, 0xE0100)


class Tokens(StrEnum):
    """How a pool's texts are cut into tokens; kept with the pool."""

    ROUGE = "rouge"
    UNICODE = "unicode"


def rouge_tokens(text: str) -> list[str]:
    """Cut text as rouge-score 0.1.2 does by default: lower case, runs of a-z and 0-9, unstemmed."""
    return _ALPHANUMERIC_RUN.findall(text.lower())


def unicode_tokens(text: str) -> list[str]:
    """Cut text of any script; pure ASCII text gives the same tokens as `rouge_tokens`.

    One token per Han, Hiragana or Katakana character; in Thai, Lao, Khmer and Myanmar one base
    character with its marks; everywhere else a maximal run of letters, marks and digits.
    """
    lowered = text.lower()
    if lowered.isascii():
        return _ALPHANUMERIC_RUN.findall(lowered)
    return _any_script().findall(lowered)


def tokenizer(tokens: Tokens) -> Callable[[str], list[str]]:
    """Return the function that cuts text for this kind of tokens."""
    match tokens:
        case Tokens.ROUGE:
            return rouge_tokens
        case Tokens.UNICODE:
            return unicode_tokens
        case _:
            assert_never(tokens)


@cache
def _any_script() -> re.Pattern[str]:
    """Build the pattern from the interpreter's Unicode tables; takes some 0.1 s once."""
    alone: list[int] = []
    marks: list[int] = []
    others: list[int] = []
    single = {point for first, last in _ONE_TOKEN_EACH for point in range(first, last + 1)}
    for point in range(_LAST_WITH_MARKS + 1):
        if point in _HOLES:
            continue
        category = unicodedata.category(chr(point))
        if category[0] == "M":
            marks.append(point)
        elif point in single and (category[0] == "L" or category in ("Nd", "Nl")):
            alone.append(point)
        elif category[0] == "L" or category == "Nd":
            others.append(point)
    run = _character_class(sorted(others + marks))
    return re.compile(f"{_character_class(alone)}{_character_class(marks)}*|{run}+")


def _character_class(points: list[int]) -> str:
    """Write sorted code points as a regular expression's class of ranges."""
    ranges: list[list[int]] = []
    for point in points:
        if ranges and ranges[-1][1] == point - 1:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    return "[" + "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges) + "]"
