"""Equality after normalisation."""

import pytest

from app.domain.normal import HASH_BYTES, normal_hash


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Name a  colour.", "name a colour."),
        (" Name\ta colour.\n", "Name a colour."),
        ("ﬁnd it", "find it"),
        ("Straße", "STRASSE"),
        ("e\u0301tude", "étude"),
    ],
)
def test_equal_but_for_case_width_and_space(one: str, other: str) -> None:
    assert normal_hash(one) == normal_hash(other)
    assert len(normal_hash(one)) == HASH_BYTES


@pytest.mark.parametrize(("one", "other"), [("a b", "ab"), ("Name it.", "Name it!"), ("1", "2")])
def test_different_words_differ(one: str, other: str) -> None:
    assert normal_hash(one) != normal_hash(other)


def test_half_a_surrogate_pair_does_no_harm() -> None:
    assert normal_hash("\ud800 a") != normal_hash("a")
