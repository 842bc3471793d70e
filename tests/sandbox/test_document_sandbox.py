"""Documents of strangers: sound ones are read, hostile ones are refused by name, within limits."""

import zlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from app.domain.documents import DocumentKind, Heading
from app.errors import InvalidDocument
from app.sandbox.document_sandbox import extract
from app.sandbox.limits import DocumentLimits
from tests.sandbox.pdf_files import assembled, contents, encrypted_pdf, pdf, pdf_bomb

LIMITS = DocumentLimits()
SMALL = replace(LIMITS, memory_bytes=320 << 20, cpu_s=20)


def refusal(kind: DocumentKind, body: bytes, limits: DocumentLimits = LIMITS) -> InvalidDocument:
    with pytest.raises(InvalidDocument) as raised:
        extract(kind, body, limits)
    return raised.value


def test_a_pdf_is_read_with_its_pages_and_outline() -> None:
    pages = ["Green tea\nneeds 80 degrees.", "", "Black tea\nneeds 95 degrees."]
    found = extract(DocumentKind.PDF, pdf(pages, [("Green tea", 0), ("Black tea", 2)]))
    assert found.text == "\n".join(pages)
    assert found.page_starts == (0, 28, 29)
    assert found.headings == (Heading(0, 1, "Green tea"), Heading(29, 1, "Black tea"))
    assert [(each.code, each.page) for each in found.problems] == [("no_text", 2)]


@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        (DocumentKind.TEXT, "\ufeffgrün\n茶", "grün\n茶"),
        (DocumentKind.MARKDOWN, "# Tea\n\nGreen.", "# Tea\n\nGreen."),
        (DocumentKind.HTML, "<h1>Tea</h1><p>Green &eacute; &notit;", "Tea\n\nGreen é ¬it;"),
    ],
)
def test_text_is_read(kind: DocumentKind, body: str, text: str) -> None:
    assert extract(kind, body.encode()).text == text


@pytest.mark.parametrize("charset", ["gb18030", "big5", "shift_jis", "euc-kr"])
def test_encodings_are_at_hand_where_no_file_can_be_opened(charset: str) -> None:
    page = f'<meta charset="{charset}"><p>{"가" if charset == "euc-kr" else "茶"}'
    assert extract(DocumentKind.HTML, page.encode(charset)).text in "茶가"


def test_bad_lines_are_named() -> None:
    refused = refusal(DocumentKind.MARKDOWN, b"fine\ncaf\xe9\n")
    assert [(each.code, each.line, each.column) for each in refused.found] == [("not_utf8", 2, 4)]


HOSTILE: dict[str, tuple[DocumentKind, Callable[[], bytes], str]] = {
    "encrypted": (DocumentKind.PDF, encrypted_pdf, "encrypted_document"),
    "no pdf": (DocumentKind.PDF, lambda: b"%PDF-1.7 nothing", "damaged_document"),
    "cut in two": (DocumentKind.PDF, lambda: pdf(["tea"])[:300], "damaged_document"),
    "pictures": (DocumentKind.PDF, lambda: pdf(["", ""]), "no_text"),
    "bomb": (DocumentKind.PDF, lambda: pdf_bomb(60), "document_bomb"),
    "states": (DocumentKind.PDF, lambda: assembled([b"q " * 3_000_000]), "document_bomb"),
    "many pages": (DocumentKind.PDF, lambda: pdf(["x"] * 5001), "document_too_long"),
    "blank": (DocumentKind.TEXT, lambda: b" \n\t", "no_text"),
    "long": (DocumentKind.TEXT, lambda: b"tea " * 1_000_001, "document_too_long"),
    "nul": (DocumentKind.TEXT, lambda: b"tea\0", "invalid_document"),
    "attributes": (DocumentKind.HTML, lambda: b"<a " * 3_000_000, "document_bomb"),
    "entities": (DocumentKind.HTML, lambda: b"&lt;" * 4_000_001, "document_too_long"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents_are_refused(name: str) -> None:
    kind, body, code = HOSTILE[name]
    assert refusal(kind, body(), SMALL).code == code


def test_deep_html_is_read() -> None:
    assert extract(DocumentKind.HTML, b"<div>" * 200_000 + b"tea").text == "tea"


def test_a_document_that_takes_too_long_is_given_up() -> None:
    slow = b"<p>x</p>" * 2_000_000
    limits = replace(LIMITS, cpu_s=0.2)
    assert "processor time" in refusal(DocumentKind.HTML, slow, limits).detail
    limits = replace(LIMITS, wall_s=0.2)
    assert "more than 0.2 s." in refusal(DocumentKind.HTML, slow, limits).detail


def test_a_stream_that_does_not_unfold_is_a_silent_page() -> None:
    sound, packed = pdf(["tea", "milk"]), zlib.compress(contents("milk"))
    broken = sound.replace(packed, b"x" * len(packed))
    assert broken != sound
    found = extract(DocumentKind.PDF, broken)
    assert found.text.strip() == "tea"
    assert [each.page for each in found.problems] == [2]
