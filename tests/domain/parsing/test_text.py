"""The small readings of text that every parser shares."""

import pytest

from app.domain.parsing.text import (
    collapsed,
    without_emphasis,
    without_fence,
    without_quotes,
    without_thoughts,
)


def test_collapsed() -> None:
    assert collapsed(" a\t\n b\u00a0c ") == "a b c"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**Go** on", "Go on"),
        ("say **go on**, please", "say go on, please"),
        ("Add __init__ to it", "Add __init__ to it"),
        ("2**10 and 3**4", "2**10 and 3**4"),
        ("**kwargs and **options", "**kwargs and **options"),
        ("a ** b", "a ** b"),
    ],
)
def test_without_emphasis(text: str, expected: str) -> None:
    assert without_emphasis(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"go"', "go"),
        ("\u201cgo\u201d", "go"),
        ('"a" or "b"', '"a" or "b"'),
        ('"', '"'),
        ("go", "go"),
    ],
)
def test_without_quotes(text: str, expected: str) -> None:
    assert without_quotes(text) == expected


def test_without_thoughts() -> None:
    assert without_thoughts("<think>\nlabels?\n</think>\n\nYes") == "Yes"
    assert without_thoughts("<think>still at it") == ""
    assert without_thoughts("Yes") == "Yes"


def test_without_fence() -> None:
    assert without_fence("```text\n1. Go.\n2. On.\n```") == "1. Go.\n2. On."
    assert without_fence("1. Go.\n```\nx\n```") == "1. Go.\n```\nx\n```"
