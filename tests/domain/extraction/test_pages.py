"""Pages as one text: silent ones are named, parted words made whole, titles found."""

import pytest

from app.domain.extraction.pages import OutlineEntry, paged_text
from app.errors import InvalidDocument


def test_silent_pages_are_named() -> None:
    found = paged_text(["tea", " \r\n", "milk"])
    assert found.text == "tea\n\nmilk"
    assert found.page_starts == (0, 4, 5)
    assert [(each.code, each.page) for each in found.problems] == [("no_text", 2)]


def test_a_document_of_pictures_is_refused() -> None:
    with pytest.raises(InvalidDocument, match="text recognition") as raised:
        paged_text(["", "\x01"])
    assert raised.value.code == "no_text"


def test_many_silent_pages_are_summed_up() -> None:
    problems = paged_text(["tea", *[""] * 100]).problems
    assert len(problems) == 21
    assert "80 more" in problems[-1].detail


def test_parted_words_are_whole_and_what_is_no_text_goes() -> None:
    assert paged_text(["fer\ufffe\r\nment\x02\nation\x00 \ud800ends\r\nhere"]).text == (
        "fermentation ends\nhere"
    )


def test_titles_are_found_on_their_page() -> None:
    pages = ["Preface\ntext", "more\nGREEN  TEA\ntext"]
    outline = [
        OutlineEntry(1, 2, "green\ntea"),
        OutlineEntry(0, 1, "Preface"),
        OutlineEntry(1, 1, "more"),
        OutlineEntry(7, 1, "beyond"),
        OutlineEntry(0, 1, "\x00"),
    ]
    found = paged_text(pages, outline)
    assert [(each.offset, each.title) for each in found.headings] == [
        (0, "Preface"),
        (13, "green tea"),
        (13, "more"),
    ]
