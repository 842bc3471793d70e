"""Cuts a reply into questions with their answers, each under its label."""

import re
from collections.abc import Sequence

from app.domain.parsing.text import (
    after_marks,
    without_emphasis,
    without_fence,
    without_thoughts,
)

_START = r"^[ \t]*(?:\d{1,2}[.)\u3001][ \t]*)?(?:\*\*|__)?"
_END = r"[ \t]*\d{0,2}[ \t]*(?:\*\*|__)?[ \t]*[:\uff1a](?:\*\*|__)?[ \t]*"
_QUESTION = re.compile(rf"{_START}(?:Question|Q|问题|问){_END}", re.MULTILINE | re.IGNORECASE)
_ANSWER = re.compile(rf"{_START}(?:Answer|A|回答|答案|答){_END}", re.MULTILINE | re.IGNORECASE)


def question_pairs(reply: str) -> Sequence[tuple[str, str]]:
    """The pairs in order; a question without an answer has an empty one."""
    text = without_fence(without_thoughts(reply))
    return [_pair(piece) for _, piece in after_marks(text, _QUESTION)]


def _pair(piece: str) -> tuple[str, str]:
    found = _ANSWER.search(piece)
    if found is None:
        return without_emphasis(piece).strip(), ""
    return without_emphasis(piece[: found.start()]).strip(), piece[found.end() :].strip()
