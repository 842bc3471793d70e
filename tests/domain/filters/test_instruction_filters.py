"""The rules on instructions, each at its edges."""

import string
from pathlib import Path

import pytest

from app.domain import filters as registry
from app.domain.filter import InstructionFilter, instruction_reasons
from app.domain.filters import (
    GROUP_FILTERS,
    INSTANCE_FILTERS,
    INSTRUCTION_FILTERS,
    ROW_FILTERS,
)
from app.domain.filters.blacklisted_word import PUBLISHED_BLACKLIST, BlacklistedWord
from app.domain.filters.empty import Empty
from app.domain.filters.forbidden_start import ForbiddenStart
from app.domain.filters.non_ascii_start import NonAsciiStart
from app.domain.filters.punctuation_start import PunctuationStart
from app.domain.filters.word_count import WordCount

CASES: list[tuple[InstructionFilter, str, str | None]] = [
    (Empty(), "", "empty"),
    (Empty(), " \n", "empty"),
    (Empty(), "a", None),
    (WordCount(), "one two three", "too_short"),
    (WordCount(), "one two three four", None),
    (WordCount(), " ".join(["word"] * 150), None),
    (WordCount(), " ".join(["word"] * 151), "too_long"),
    (WordCount(), "\u8bf7\u5199\u4e00\u9996\u77ed\u8bd7", "too_short"),
    (WordCount(count_unspaced=True), "\u8bf7\u5199\u4e00\u9996\u77ed\u8bd7", None),
    (WordCount(count_unspaced=True), "caf\u00e9 na\u00efve z\u00fcgig", "too_short"),
    (WordCount(count_unspaced=True), "\u8bf7" * 151, "too_long"),
    (WordCount(minimum=1, maximum=2), "one two", None),
    (BlacklistedWord(), "Describe the Image below.", "blacklisted_word"),
    (BlacklistedWord(), "Imagine a graphic mapping of filed plots.", None),
    (BlacklistedWord(), "Say where to GO TO next.", "blacklisted_word"),
    (BlacklistedWord(), "Say where to go today.", None),
    (BlacklistedWord(), "Open the file_name now.", None),
    (BlacklistedWord(), "Open the file-name now.", "blacklisted_word"),
    (BlacklistedWord(()), "Draw a map.", None),
    (BlacklistedWord(("c++",)), "Explain templates in c++x.", "blacklisted_word"),
    (ForbiddenStart(), "Write a program that sings.", "forbidden_start"),
    (ForbiddenStart(), "write A programme for the concert.", "forbidden_start"),
    (ForbiddenStart(), "Please write a program that sings.", None),
    (ForbiddenStart(()), "Write a program that sings.", None),
    (PunctuationStart(), "Sing!", None),
    (PunctuationStart(), "\u00bfQu\u00e9 hora es?", None),
    (PunctuationStart(), "", None),
    (NonAsciiStart(), "\u00e9crivez un po\u00e8me", "non_ascii_start"),
    (NonAsciiStart(), "Schreibe \u00fcber Regen", None),
    (NonAsciiStart(), "\u2019tis late", "non_ascii_start"),
    (NonAsciiStart(), "", None),
]


@pytest.mark.parametrize(("rule", "instruction", "reason"), CASES)
def test_rule(rule: InstructionFilter, instruction: str, reason: str | None) -> None:
    assert rule.reason(instruction) == reason


@pytest.mark.parametrize("character", string.punctuation)
def test_every_ascii_punctuation_mark_is_a_bad_start(character: str) -> None:
    assert PunctuationStart().reason(f"{character}go on") == "punctuation_start"


@pytest.mark.parametrize("word", PUBLISHED_BLACKLIST)
def test_every_published_word_is_found(word: str) -> None:
    assert BlacklistedWord().reason(f"Please {word.upper()}, will you") == "blacklisted_word"


def test_all_reasons_are_kept_and_the_first_comes_first() -> None:
    rules = [Empty(), WordCount(), BlacklistedWord(), ForbiddenStart(), PunctuationStart()]
    assert instruction_reasons("", rules) == ("empty", "too_short")
    assert instruction_reasons("(a map)", rules) == (
        "too_short",
        "blacklisted_word",
        "punctuation_start",
    )
    assert instruction_reasons("Tell me a tale.", rules) == ()


def test_every_filter_is_registered_once() -> None:
    names = [*INSTRUCTION_FILTERS, *INSTANCE_FILTERS, *ROW_FILTERS, *GROUP_FILTERS]
    files = {path.stem for path in Path(registry.__file__).parent.glob("[!_]*.py")}
    assert len(names) == len(set(names))
    assert set(names) == files
