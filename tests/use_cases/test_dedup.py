"""The novelty rule on rows: the same decisions as comparing everything with everything."""

import doctest

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.rouge import rouge_l
from app.domain.tokens import Tokens, rouge_tokens
from app.errors import InvalidInput
from app.use_cases import dedup
from app.use_cases.dedup import DedupRules, PlacedText, decide

WORDS = ("a", "b", "c", "d")
TEXTS = st.lists(st.lists(st.sampled_from(WORDS), max_size=7).map(" ".join), max_size=14)


def placed(texts: list[str], file: str = "mine") -> list[PlacedText]:
    """Texts on lines of a file."""
    return [PlacedText(text, line, file) for line, text in enumerate(texts, 1)]


def best(text: str, pool: list[PlacedText]) -> tuple[float, PlacedText] | None:
    """The highest score and the earliest row that has it."""
    if not pool:
        return None
    scores = [rouge_l(rouge_tokens(text), rouge_tokens(each.text)) for each in pool]
    highest = max(scores)
    return highest, pool[scores.index(highest)]


@settings(deadline=None)  # the first example waits for the kernels to be loaded
@given(TEXTS, TEXTS, st.sampled_from([0.0, 0.3, 0.5, 0.7, 1.0]), st.booleans())
def test_as_by_hand(texts: list[str], others: list[str], threshold: float, all_: bool) -> None:
    rules = DedupRules(threshold=threshold, nearest_of_all=all_)
    found = list(decide(placed(texts), against=placed(others, "other"), rules=rules))
    pool = placed(others, "other")
    for row, decision in zip(placed(texts), found, strict=True):
        near = best(row.text, pool)
        duplicate = near is not None and near[0] > threshold
        assert decision.accepted is not duplicate
        assert decision.rule == ("rouge_l" if duplicate else None)
        shown = near if duplicate or all_ else None
        place = shown and shown[1]
        assert decision.score == (shown and shown[0])
        assert decision.nearest == (place and place.text)
        assert decision.nearest_line == (place and place.line)
        assert decision.nearest_file == (place and place.file)
        if decision.accepted:
            pool.append(row)


def test_decisions_come_as_rows_go_in() -> None:
    going = decide(iter(placed(["one two three"])))
    assert next(going).accepted


def test_tokens_matter() -> None:
    rows = placed(["今天天气很好", "今天天气很好"])
    assert [each.accepted for each in decide(rows)] == [True, True]
    rules = DedupRules(tokens=Tokens.UNICODE)
    assert [each.accepted for each in decide(rows, rules=rules)] == [True, False]


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_thresholds_out_of_range(threshold: float) -> None:
    with pytest.raises(InvalidInput):
        decide([], rules=DedupRules(threshold=threshold))


def test_the_docstring_is_true() -> None:
    assert doctest.testmod(dedup).failed == 0
    assert doctest.testmod(dedup).attempted > 0
