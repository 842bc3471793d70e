"""Small readings of text that every parser shares: whitespace, markdown emphasis, quotes."""

import re
from collections.abc import Iterator

_EMPHASIS = re.compile(r"(?<!\w)\*\*(?=\S)(.+?)(?<=\S)\*\*(?!\w)", re.DOTALL)
_THOUGHTS = re.compile(r"\s*<think(?:ing)?>.*?(?:</think(?:ing)?>\s*|\Z)", re.DOTALL)
_FENCED = re.compile(r"```\w*\n((?:(?!```).)*)\n?```", re.DOTALL)
_QUOTES = {'"': '"', "“": "”", "«": "»", "「": "」"}


def after_marks(text: str, mark: re.Pattern[str]) -> Iterator[tuple[re.Match[str], str]]:
    """Each place where a mark stands, with the text from its end up to the next one."""
    marks = list(mark.finditer(text))
    for place, found in enumerate(marks):
        last = place == len(marks) - 1
        yield found, text[found.end() : None if last else marks[place + 1].start()]


def collapsed(text: str) -> str:
    """Return the text with every run of whitespace as one space, stripped."""
    return re.sub(r"\s+", " ", text).strip()


def without_emphasis(text: str) -> str:
    """Return the text without markdown's double asterisks; a power such as ``2**10`` stays."""
    return _EMPHASIS.sub(r"\1", text)


def without_thoughts(reply: str) -> str:
    """Return the reply without what a reasoning model thought aloud, finished or not."""
    return _THOUGHTS.sub("", reply)


def without_fence(reply: str) -> str:
    """Return the inside of a reply that is one fenced block as a whole, else the reply."""
    fenced = _FENCED.fullmatch(reply.strip())
    return fenced[1].rstrip() if fenced else reply


def without_quotes(text: str) -> str:
    """Return the text without the pair of quotation marks that encloses the whole of it, if any."""
    if len(text) < 2 or _QUOTES.get(text[0]) != text[-1]:
        return text
    inner = text[1:-1]
    return text if text[0] in inner or text[-1] in inner else inner.strip()
