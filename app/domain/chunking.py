"""Cuts a document into chunks: at headings where the pieces are large enough, else by size."""

import re
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence

from app.domain.documents import Chunk, Extracted, Heading

# Where a text may be cut, the best first: paragraphs, lines, sentences, words.
_SEAMS = tuple(
    re.compile(seam)
    for seam in (r"\n[ \t\r]*\n", r"\n", r"[.!?。！？；](?:\s|(?=[\u3000-\u9fff]))", r"\s")  # noqa: RUF001
)
_PATH = " > "
_LONGEST_TITLE = 120
_WORD = re.compile(r"\w")


def chunked(document: Extracted, most_characters: int) -> list[Chunk]:
    """The chunks of a document in order, each of at most so many characters.

    A heading begins a new chunk unless the one before would be shorter than a quarter of that.
    Together they hold every letter and digit of the text, once; what holds neither is left out.
    """
    outline = _Outline(document.headings)
    return [
        _chunk(document, start, end, outline.path(start))
        for start, end in _spans(document, most_characters)
        if _WORD.search(document.text, start, end)
    ]


def _spans(document: Extracted, most: int) -> Iterator[tuple[int, int]]:
    """Beginning and end of each chunk, without white space at either."""
    text = document.text
    offsets = [each.offset for each in document.headings]
    start = _after_space(text, 0)
    while start < len(text):
        cut = _cut(text, start, _section_end(offsets, start + most // 4, len(text)), most)
        end = start + len(text[start:cut].rstrip())
        yield start, end
        start = _after_space(text, cut)


def _after_space(text: str, start: int) -> int:
    while start < len(text) and text[start].isspace():
        start += 1
    return start


def _section_end(offsets: Sequence[int], earliest: int, end: int) -> int:
    """The first heading from `earliest` on, or the end."""
    place = bisect_right(offsets, earliest - 1)
    return offsets[place] if place < len(offsets) else end


def _cut(text: str, start: int, section_end: int, most: int) -> int:
    """Where the chunk that begins at `start` ends: with its section, or at the best seam."""
    rest = section_end - start
    if rest <= most:
        return section_end
    # A section a little too long is cut near its middle, so that no crumb is left.
    window = most if 2 * rest >= 3 * most else rest * 3 // 5
    earliest, latest = start + window // 2, start + window
    for seam in _SEAMS:
        ends = [found.end() for found in seam.finditer(text, earliest, latest)]
        if ends:
            return ends[-1]
    return latest


def _chunk(document: Extracted, start: int, end: int, heading: str) -> Chunk:
    first = last = None
    if document.page_starts:
        first = max(1, bisect_right(document.page_starts, start))
        last = max(1, bisect_right(document.page_starts, end - 1))
    return Chunk(document.text[start:end], start, end, heading, first, last)


class _Outline:
    """The headings in force, asked for at ever later offsets: each heading is looked at once."""

    def __init__(self, headings: Sequence[Heading]) -> None:
        self._waiting = deque(headings)
        self._open: list[Heading] = []

    def path(self, offset: int) -> str:
        """The headings in force at an offset, from the highest to the lowest."""
        while self._waiting and self._waiting[0].offset <= offset:
            found = self._waiting.popleft()
            while self._open and self._open[-1].level >= found.level:
                self._open.pop()
            self._open.append(found)
        return _PATH.join(each.title[:_LONGEST_TITLE] for each in self._open)
