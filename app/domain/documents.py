"""Documents of users: of which kinds they are, what is read out of one, and how it is cut."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.errors import DocumentProblem


class DocumentKind(StrEnum):
    """How a document is written."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"
    PDF = "pdf"


KINDS_BY_SUFFIX: Mapping[str, DocumentKind] = {
    ".txt": DocumentKind.TEXT,
    ".text": DocumentKind.TEXT,
    ".md": DocumentKind.MARKDOWN,
    ".markdown": DocumentKind.MARKDOWN,
    ".html": DocumentKind.HTML,
    ".htm": DocumentKind.HTML,
    ".pdf": DocumentKind.PDF,
}


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading and where it begins, in characters of the text; 1 is the highest level."""

    offset: int
    level: int
    title: str


@dataclass(frozen=True, slots=True)
class Extracted:
    """The text of a document with its marks; `page_starts` is empty where there are no pages.

    `problems` are those that it can be used with, such as a page without text.
    """

    text: str
    headings: tuple[Heading, ...] = ()
    page_starts: tuple[int, ...] = ()
    problems: tuple[DocumentProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document's text, `text[start:end]`; pages count from 1, None without pages.

    `heading` is the path of headings at its beginning, empty without any.
    """

    text: str
    start: int
    end: int
    heading: str = ""
    first_page: int | None = None
    last_page: int | None = None

    @property
    def pages(self) -> str:
        """Its pages as people say them: 3, or 3-4, or nothing."""
        if self.first_page is None:
            return ""
        last = f"-{self.last_page}" if self.last_page != self.first_page else ""
        return f"{self.first_page}{last}"

    def facts(self, document: str, number: int) -> Mapping[str, str]:
        """What a row cites: document, chunk (`number` counts from 1 in its document) and place.

        Characters count from 0 in the text that was read out, the end excluded.
        """
        characters = f"{self.start}-{self.end}"
        pages = f"page {self.pages}" if self.pages else ""
        place = [self.heading, pages, f"characters {characters}"]
        known = {"heading": self.heading, "pages": self.pages, "characters": characters}
        return {
            "document": document,
            "chunk": f"{document}#{number}",
            "place": "; ".join(each for each in place if each),
            **{name: value for name, value in known.items() if value},
        }
