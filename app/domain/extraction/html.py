"""What an HTML page shows of itself, as text: without scripts, styles, menus and the like."""

import re
from html.parser import HTMLParser

from app.domain.documents import Extracted, Heading

_NOT_SHOWN = re.compile(
    "button|canvas|head|iframe|math|nav|noscript|object|script|select|style|svg|template"
)
_BLOCK = re.compile(
    "address|article|aside|blockquote|body|dd|details|div|dl|dt|fieldset|figcaption|figure|footer"
    "|form|header|hr|main|ol|p|pre|section|summary|table|ul"
)
_LEVELS = {f"h{level}": level for level in range(1, 7)}
_GAPS = {"br": "\n", "tr": "\n", "li": "\n", "td": "\t", "th": "\t"}
_BULLET = "- "
_SPACE = re.compile(r"[ \t\r\n\f]+")
_PARAGRAPH = "\n\n"


def html_text(page: str) -> Extracted:
    """The text of a page with its headings; tags may be left open, crossed or nested at will."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return Extracted("".join(reader.parts), tuple(reader.headings))


class _Reader(HTMLParser):
    """Gathers text; it does not nest, so depth costs nothing."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.headings: list[Heading] = []
        self._length = 0
        self._gap = ""
        self._bullet = ""
        self._hidden_by = ""
        self._hidden_depth = 0
        self._verbatim = 0
        self._title: tuple[int, int, list[str]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin what the tag begins."""
        if self._stays_hidden(tag):
            return
        if tag in _LEVELS or _BLOCK.fullmatch(tag):
            self._end_title()
            self._part(_PARAGRAPH)
        elif tag in _GAPS:
            self._part(_GAPS[tag])
        if tag in _LEVELS:
            self._title = (-1, _LEVELS[tag], [])
        if tag == "li":
            self._bullet = _BULLET
        self._verbatim += tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        """End what the tag ends."""
        if self._hidden_by:
            self._hidden_depth -= tag == self._hidden_by
            if not self._hidden_depth:
                self._hidden_by = ""
            return
        if tag in _LEVELS:
            self._end_title()
        if tag in _LEVELS or _BLOCK.fullmatch(tag):
            self._part(_PARAGRAPH)
        self._verbatim -= tag == "pre" and self._verbatim > 0

    def handle_data(self, data: str) -> None:
        """Take text, with white space as a browser shows it."""
        if self._hidden_by:
            return
        if self._verbatim:
            self._write(data)
            return
        shown = _SPACE.sub(" ", data)
        if shown.startswith(" "):
            self._part(" ")
        if bare := shown.strip(" "):
            self._write(bare)
        if bare and shown.endswith(" "):
            self._part(" ")

    def close(self) -> None:
        """The end of the page ends an open heading."""
        super().close()
        self._end_title()

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """Pass over `<![...>` as browsers do; what is inherited fails on unknown words."""
        return self.parse_bogus_comment(i, False)

    def _stays_hidden(self, tag: str) -> bool:
        if self._hidden_by == "head" and tag == "body":
            self._hidden_by, self._hidden_depth = "", 0  # the end of a head may be left out
        if self._hidden_by:
            self._hidden_depth += tag == self._hidden_by
        elif _NOT_SHOWN.fullmatch(tag):
            self._hidden_by, self._hidden_depth = tag, 1
        return bool(self._hidden_by)

    def _part(self, gap: str) -> None:
        """Have at least this between what is there and what comes; paragraphs over lines."""
        if _width(gap) > _width(self._gap):
            self._gap = gap

    def _write(self, text: str) -> None:
        lead = (self._gap if self.parts else "") + self._bullet
        self._gap = self._bullet = ""
        if self._title is not None:
            start, level, words = self._title
            words += [lead if words else "", text]
            self._title = (self._length + len(lead) if start < 0 else start, level, words)
        self.parts += [lead, text]
        self._length += len(lead) + len(text)

    def _end_title(self) -> None:
        if self._title is not None and self._title[0] >= 0:
            start, level, words = self._title
            self.headings.append(Heading(start, level, _SPACE.sub(" ", "".join(words)).strip()))
        self._title = None


def _width(gap: str) -> tuple[int, int]:
    return gap.count("\n"), len(gap) + ("\t" in gap)
