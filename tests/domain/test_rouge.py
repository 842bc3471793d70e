"""ROUGE-L of two token lists: the same float as rouge-score."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from app.domain.rouge import rouge_l
from app.domain.tokens import rouge_tokens

words = st.lists(st.sampled_from("abcdef"), max_size=80)


@settings(deadline=None)
@given(words, words)
def test_equals_rouge_score(first: list[str], second: list[str]) -> None:
    scored = RougeScorer(["rougeL"]).score(" ".join(first), " ".join(second))
    assert rouge_l(first, second) == scored["rougeL"].fmeasure


@given(words, words)
def test_is_symmetric(first: list[str], second: list[str]) -> None:
    assert rouge_l(first, second) == rouge_l(second, first)


@pytest.mark.parametrize(
    ("first", "second", "score"),
    [
        ("", "", 0.0),
        ("", "one", 0.0),
        ("one two", "three", 0.0),
        ("one", "one", 1.0),
        ("one two three four", "four three two one", 0.25),
    ],
)
def test_edges(first: str, second: str, score: float) -> None:
    assert rouge_l(rouge_tokens(first), rouge_tokens(second)) == score
