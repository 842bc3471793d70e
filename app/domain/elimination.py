"""The elimination of evolved instructions (Xu et al. 2023, arXiv:2304.12244), rule by rule."""

import re
from collections.abc import Sequence

from app.domain.language import Language
from app.domain.normal import normal_text
from app.domain.parsing.text import collapsed
from app.domain.tokens import unicode_tokens

UNCHANGED = "unchanged"
LEAKED_PROMPT = "leaked_prompt"
EQUAL = "equal_to_parent"
REFUSAL = "short_refusal"
NO_CONTENT = "no_content"
COPIED_ANSWER = "copied_answer"

SHORT_WORDS = 80  # a response of fewer words that is sorry is a refusal

_LEAKS = re.compile(
    r"\b(given|rewritten|created)[ _-](prompt|task)\b|#[^#\n]{0,20}(prompt|task)#"
    r"|原任务|改写后的任务|新建的任务",
    re.IGNORECASE,
)
_LEADING_MARK = re.compile(
    r"\s*[*_]*#+\s*(?:rewritten|created|改写后的|新建的)\s*(?:task|prompt|任务)\s*#*[*_]*\s*[:\uff1a]?[*_]*\s*",
    re.IGNORECASE,
)
_SORRY = {
    Language.ENGLISH: re.compile(r"\bsorry\b", re.IGNORECASE),
    Language.CHINESE: re.compile(r"\bsorry\b|抱歉|对不起|很遗憾", re.IGNORECASE),
}
_ENGLISH_STOP_WORDS = (
    "a an and are as at be been but by can could did do does for from had has have he her his i if"
    " in into is it its me my no nor not of on or our she so some such than that the their them"
    " then there these they this those to too us very was we were what when where which who will"
    " with would yes you your"
)
_CHINESE_STOP_WORDS = "的了是在和与也就都而及或一个不有我你他她它们这那吗呢吧啊着把被对"
_STOP_WORDS = frozenset(_ENGLISH_STOP_WORDS.split()) | frozenset(_CHINESE_STOP_WORDS)


def without_mark(reply: str) -> str:
    """The reply without the heading that the prompt ends in, which many models repeat."""
    return _LEADING_MARK.sub("", reply, count=1) if _LEADING_MARK.match(reply) else reply


def leaks_prompt(instruction: str) -> bool:
    """Whether the evolved text copies words of the prompt that asked for it."""
    return _LEAKS.search(instruction) is not None


def is_unchanged(instruction: str, parent: str) -> bool:
    """Whether nothing but case and white space differs."""
    return normal_text(instruction) == normal_text(parent)


def is_refusal(response: str, instructions: Sequence[str], language: Language) -> bool:
    """Whether a short response is sorry, and not because the task speaks of being sorry."""
    sorry = _SORRY[language]
    if not sorry.search(response) or any(sorry.search(each) for each in instructions):
        return False
    return _length(response, language) < SHORT_WORDS


def has_no_content(response: str) -> bool:
    """Whether a response is nothing but punctuation and stop words."""
    return all(token in _STOP_WORDS for token in unicode_tokens(response))


def _length(text: str, language: Language) -> int:
    if language is Language.CHINESE:
        return len(unicode_tokens(text))
    return len(collapsed(text).split())
