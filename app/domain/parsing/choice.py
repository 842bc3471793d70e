"""Reads the reply to «Which answer is the best?»: its number, or nothing."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

import re

from app.domain.parsing.text import without_thoughts

_STATED = re.compile(
    r"(?:\bbest\b(?: answer)?(?: is)?(?: answer)?|\banswer\b|\bnumber\b"
    r"|最佳|最好的?(?:回答)?是?|回答)"
    r"[\s:：*_#\"“”]*(\d{1,3})(?!\d)",
    re.IGNORECASE,
)
_ALONE = re.compile(r"[\s*_#\"(\[]*(\d{1,3})[\s*_.)\]\"]*")


def chosen_number(reply: str, count: int) -> int | None:
    """The number, from 1 to `count`, that the reply names last; None when it names none."""
    text = without_thoughts(reply)
    alone = _ALONE.fullmatch(text)
    found = [alone[1]] if alone else _STATED.findall(text)
    numbers = [int(each) for each in found if 1 <= int(each) <= count]
    return numbers[-1] if numbers else None
