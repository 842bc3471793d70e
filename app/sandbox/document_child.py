"""The child: takes one document, says what text it holds or why it cannot be read, and ends.

The first message holds the kind and the limits, the second the document itself.
"""

import codecs
import dataclasses
import html.entities
import signal
import sys
from collections.abc import Iterator
from typing import Any

import orjson
import pypdfium2 as pdfium

from app.domain.documents import DocumentKind, Extracted
from app.domain.extraction.encoding import CHARSETS, decoded
from app.domain.extraction.html import html_text
from app.domain.extraction.markdown import markdown_text
from app.domain.extraction.pages import OutlineEntry, paged_text
from app.domain.extraction.plain import plain_text
from app.errors import InvalidDocument
from app.sandbox.frames import packed, read_body, read_frame
from app.sandbox.limits import DocumentLimits, confine

# Looked for when they are needed, which is when no file can be opened any more.
LATE_MODULES = (html.entities,)
LATE_CODECS = ("ascii", "latin-1", "utf-8", "utf-16-le", *CHARSETS)
_OUTLINE_DEPTH = 6
_MOST_TITLES = 10_000
_WRONG_PASSWORD, _UNKNOWN_LOCK = 4, 5


def main() -> None:
    """Read one document."""
    setup: Any = read_frame(sys.stdin.buffer)
    kind, limits = DocumentKind(setup["kind"]), DocumentLimits(**setup["limits"])
    for name in LATE_CODECS:
        codecs.lookup(name)
    confine(limits.memory_bytes)
    _say("ready")
    body = read_body(sys.stdin.buffer) or b""
    # The kernel ends this process when the time is used up: a handler would not run inside C.
    signal.setitimer(signal.ITIMER_PROF, limits.cpu_s)
    _say(_answer(kind, body, limits))


def _answer(kind: DocumentKind, body: bytes, limits: DocumentLimits) -> dict[str, Any]:
    try:
        return dataclasses.asdict(_within(_extracted(kind, body, limits), limits))
    except InvalidDocument as refusal:
        found = [dataclasses.asdict(each) for each in refusal.found]
        return {"refused": refusal.detail, "code": refusal.code, "found": found}
    except MemoryError:
        most = limits.memory_bytes >> 20
        return {"refused": f"Reading it takes more than {most:,} MiB.", "code": "document_bomb"}


def _extracted(kind: DocumentKind, body: bytes, limits: DocumentLimits) -> Extracted:
    match kind:
        case DocumentKind.PDF:
            return _pdf_text(body, limits)
        case DocumentKind.HTML:
            return html_text(decoded(body, may_declare=True))
        case DocumentKind.MARKDOWN:
            return markdown_text(decoded(body))
        case DocumentKind.TEXT:
            return plain_text(decoded(body))


def _within(document: Extracted, limits: DocumentLimits) -> Extracted:
    if len(document.text) > limits.max_characters:
        raise _too_long(limits)
    if not document.text.strip():
        raise InvalidDocument("It holds no text.", code="no_text")
    return document


def _too_long(limits: DocumentLimits) -> InvalidDocument:
    said = f"It holds more than {limits.max_characters:,} characters; send it in parts."
    return InvalidDocument(said, code="document_too_long")


def _pdf_text(body: bytes, limits: DocumentLimits) -> Extracted:
    try:
        document = pdfium.PdfDocument(body)
    except pdfium.PdfiumError as error:
        if error.err_code in (_WRONG_PASSWORD, _UNKNOWN_LOCK):
            said = "It is encrypted; save it without a password first."
            raise InvalidDocument(said, code="encrypted_document") from None
        raise InvalidDocument("It is no PDF, or a damaged one.", code="damaged_document") from None
    if len(document) > limits.max_pages:
        said = f"It has {len(document):,} pages; at most {limits.max_pages:,} are read. Send parts."
        raise InvalidDocument(said, code="document_too_long")
    return paged_text(list(_pages(document, limits)), list(_outline(document)))


def _pages(document: pdfium.PdfDocument, limits: DocumentLimits) -> Iterator[str]:
    """The text of every page; one that cannot be read is silent."""
    length = 0
    for number in range(len(document)):
        try:
            page = document[number]
            text = page.get_textpage().get_text_bounded()
            page.close()
        except pdfium.PdfiumError:
            text = ""
        length += len(text)
        if length > limits.max_characters:
            raise _too_long(limits)
        yield text


def _outline(document: pdfium.PdfDocument) -> Iterator[OutlineEntry]:
    """The titles that lead to a page, as far as they can be read."""
    for count, entry in enumerate(document.get_toc(max_depth=_OUTLINE_DEPTH)):
        if count == _MOST_TITLES:
            return
        place = entry.get_dest()
        page = place.get_index() if place else None
        if page is not None:
            yield OutlineEntry(page, entry.level + 1, entry.get_title())


def _say(message: object) -> None:
    """Answer; text with a lone surrogate is no JSON, and comes of no sound document."""
    try:
        frame = packed(message)
    except orjson.JSONEncodeError:
        said = "It holds lone surrogates, which are no characters."
        frame = packed({"refused": said, "code": "damaged_document"})
    sys.stdout.buffer.write(frame)
    sys.stdout.buffer.flush()
