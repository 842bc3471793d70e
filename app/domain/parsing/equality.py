"""Reads the reply to «Are these tasks equal?»: yes, no, or neither."""

import re

from app.domain.parsing.text import without_thoughts

_NOT_EQUAL = re.compile(r"\bnot[\s_-]+equal\b|\bunequal\b|\bdifferent\b|不同|不相同|不相等|不一样")
_EQUAL = re.compile(r"\bequal\b|\bthe same\b|相同|相等|一样")


def says_equal(reply: str) -> bool | None:
    """Whether the reply calls the two equal; None when it does not say."""
    text = without_thoughts(reply).lower()
    if _NOT_EQUAL.search(text):
        return False
    return True if _EQUAL.search(text) else None
