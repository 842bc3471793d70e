"""Markdown as it is written, with its headings: CommonMark's two forms, outside of code fences."""

import re
from collections.abc import Iterator

from app.domain.documents import Extracted, Heading

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_MOST_LEVELS = 6
_UNDERLINES = {"=": 1, "-": 2}
_FRONT_MATTER = "---"
# What such a line opens is no paragraph, so no underline makes it a heading.
_NO_TITLE = (">", "-", "*", "+", "|", "#")


def markdown_text(text: str) -> Extracted:
    """The text itself, with its headings."""
    return Extracted(text, tuple(_headings(text)))


def _headings(text: str) -> Iterator[Heading]:
    fence, before, before_at = "", "", 0
    for offset, line in _lines_behind_front_matter(text):
        mark = _FENCE.match(line)
        if mark and (not fence or (mark[1].startswith(fence) and not line[mark.end() :].strip())):
            fence, before = ("" if fence else mark[1]), ""
            continue
        if fence:
            continue
        if title := _opened_by_marks(line):
            yield Heading(offset, *title)
        elif before and (level := _underlined(line)):
            yield Heading(before_at, level, before)
        starts_none = not line.strip() or line.lstrip().startswith(_NO_TITLE)
        before, before_at = ("" if starts_none else line.strip()), offset


def _lines_behind_front_matter(text: str) -> Iterator[tuple[int, str]]:
    lines = text.split("\n")
    closed = 0
    if lines[0].strip() == _FRONT_MATTER:
        ends = (at for at, line in enumerate(lines[1:], 1) if line.strip() == _FRONT_MATTER)
        closed = next(ends, 0)
    offset = 0
    for at, line in enumerate(lines):
        if not closed or at > closed:
            yield offset, line
        offset += len(line) + 1


def _opened_by_marks(line: str) -> tuple[int, str] | None:
    """Level and title of a line such as `## Title ##`."""
    stripped = line.strip()
    if not stripped.startswith("#") or len(line) - len(line.lstrip(" ")) > 3:
        return None
    title = stripped.lstrip("#")
    level = len(stripped) - len(title)
    if level > _MOST_LEVELS or not title.startswith((" ", "\t")):
        return None
    bare = title.strip().rstrip("#")
    closed = bare.rstrip() if bare.endswith((" ", "\t")) or not bare else title.strip()
    return (level, closed) if closed else None


def _underlined(line: str) -> int | None:
    """The level that a line of `===` or `---` gives to the one before."""
    bare = line.strip()
    return _UNDERLINES.get(bare[0]) if len(bare) >= 2 and len(set(bare)) == 1 else None
