"""Bytes as text: UTF-8, what a page declares, and every line that is neither, by its number."""

import pytest

from app.domain.extraction.encoding import MOST_LISTED, decoded
from app.domain.extraction.plain import plain_text
from app.errors import DocumentProblem, InvalidDocument


def refused(body: bytes, *, may_declare: bool = False) -> tuple[DocumentProblem, ...]:
    with pytest.raises(InvalidDocument) as raised:
        decoded(body, may_declare=may_declare)
    return raised.value.found


def test_a_byte_order_mark_goes() -> None:
    assert decoded("\ufeffgrün\r\n".encode()) == "grün\r\n"


def test_lines_that_are_not_utf8_are_named() -> None:
    first, second = refused(b"fine\ncaf\xe9\nfine\n\xff\n")
    assert (first.code, first.line, first.column) == ("not_utf8", 2, 4)
    assert "0xe9" in first.detail
    assert second.line == 4


def test_a_file_of_bad_lines_names_the_first_of_them() -> None:
    assert len(refused(b"\xe9\n" * 1000)) == MOST_LISTED


def test_nul_is_named_with_its_line() -> None:
    (problem,) = refused(b"a\nb\0c")
    assert (problem.code, problem.line, problem.column) == ("nul_character", 2, 2)


@pytest.mark.parametrize("charset", ["gbk", "GB2312", "big5", "windows-1252"])
def test_a_page_may_declare_its_encoding(charset: str) -> None:
    word = "café" if charset.startswith("win") else "茶"
    page = f'<html><meta charset="{charset}"><p>{word}'.encode(charset)
    assert word in decoded(page, may_declare=True)
    with pytest.raises(InvalidDocument):
        decoded(page)


def test_an_unknown_declaration_is_not_believed() -> None:
    page = '<meta charset="unicode_escape"><p>\\x41 茶'.encode()
    assert decoded(page, may_declare=True) == page.decode()


def test_form_feeds_part_pages() -> None:
    assert plain_text("one\ftwo\f").page_starts == (0, 4, 8)
    assert plain_text("one").page_starts == ()
