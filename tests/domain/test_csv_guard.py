"""Cells that no spreadsheet program takes for a formula, and the exact texts back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.csv_guard import guarded, unguarded

RISKY = (
    "=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", " =1", "\n=1", '"=1', "'=1", "''=1", "\uff1d1",
    " \uff0b1", "\u201c=1", "\ufeff=1".removeprefix("\ufeff"), "'\t=1", "\u00a0=1",
)  # fmt: skip
PLAIN = ("", "text", "'quoted'", "1=1", "a-b", "\nline", "'", "don't", "  two", "写一首诗")


@pytest.mark.parametrize("text", RISKY)
def test_what_may_be_a_formula_gets_an_apostrophe(text: str) -> None:
    assert guarded(text) == f"'{text}"
    assert unguarded(guarded(text)) == text


@pytest.mark.parametrize("text", PLAIN)
def test_all_else_stays(text: str) -> None:
    assert guarded(text) == text == unguarded(text)


@given(st.text(alphabet="'\"=+-@\t\r\n \uff1dab", max_size=8))
def test_nothing_is_lost_on_the_way_back(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_an_apostrophe_that_a_program_took_away_is_not_missed() -> None:
    assert unguarded("=1+1") == "=1+1"
