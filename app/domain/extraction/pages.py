"""The text of a document whose pages come one by one, with the outline that it brings along."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.documents import Extracted, Heading
from app.errors import DocumentProblem, InvalidDocument

# How PDFium marks a word that a line end parts, and what no text holds.
_PARTED = re.compile(r"[\x02\ufffe]\r?\n?")
_UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_WORD = re.compile(r"\w")
_MOST_LISTED = 20


@dataclass(frozen=True, slots=True)
class OutlineEntry:
    """A title of an outline; `page` counts from 0, 1 is the highest level."""

    page: int
    level: int
    title: str


def paged_text(pages: Sequence[str], outline: Sequence[OutlineEntry] = ()) -> Extracted:
    """One text of all pages; raises InvalidDocument when none of them has any."""
    texts = [_clean(each) for each in pages]
    silent = [number for number, text in enumerate(texts, 1) if not _WORD.search(text)]
    if len(silent) == len(texts):
        raise InvalidDocument(
            "No page holds text: are they pictures? Run text recognition over it first.",
            code="no_text",
        )
    starts: list[int] = []
    length = 0
    for text in texts:
        starts.append(length)
        length += len(text) + 1
    problems = [_silent(number) for number in silent]
    if len(problems) > _MOST_LISTED:
        more = f"so are {len(problems) - _MOST_LISTED:,} more pages"
        problems[_MOST_LISTED:] = [DocumentProblem("no_text", more)]
    headings = _headings(outline, texts, starts)
    return Extracted("\n".join(texts), headings, tuple(starts), tuple(problems))


def _clean(page: str) -> str:
    return _UNFIT.sub("", _PARTED.sub("", page)).replace("\r\n", "\n").replace("\r", "\n").strip()


def _silent(number: int) -> DocumentProblem:
    said = "the page holds no text and is left out; is it a picture?"
    return DocumentProblem("no_text", said, page=number)


def _headings(
    outline: Sequence[OutlineEntry], texts: Sequence[str], starts: Sequence[int]
) -> tuple[Heading, ...]:
    """Each title where its page says it, else at the beginning of the page."""
    found: list[Heading] = []
    for each in outline:
        title = " ".join(_UNFIT.sub("", each.title).split())
        if title and 0 <= each.page < len(texts):
            place = texts[each.page].casefold().find(title.casefold())
            inside = max(0, min(place, len(texts[each.page])))
            found.append(Heading(starts[each.page] + inside, each.level, title))
    return tuple(sorted(found, key=lambda each: each.offset))
