"""Excerpts are short, printable and hold the place they are about."""

from hypothesis import given
from hypothesis import strategies as st

from app.files.excerpt import excerpt, visible


@given(st.text(max_size=300), st.integers(1, 301))
def test_an_excerpt_is_short_and_printable(text: str, column: int) -> None:
    shown = excerpt(text, column)
    assert len(shown) <= 80
    assert shown.isprintable()


def test_an_excerpt_holds_its_column() -> None:
    text = "x" * 500 + "HERE" + "y" * 500
    assert "HERE" in excerpt(text, 501)
    assert excerpt("short", 3) == "short"
    assert excerpt("x" * 80) == "x" * 80
    assert excerpt("x" * 81) == "x" * 79 + "…"


def test_what_cannot_be_seen_is_escaped() -> None:
    assert visible("a\x1b[2J\u202eb\ud800 日本") == "a\\x1b[2J\\u202eb\\ud800 日本"
