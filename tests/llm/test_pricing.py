"""Tests of prices: bounds from above, whole numbers, rounded up."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.method import Decoding
from app.errors import InvalidInput
from app.llm.pricing import cost_micro_usd, estimate_micro_usd, most_output_tokens
from app.llm.teacher import Teacher
from tests.llm.calls import PROMPT, teacher_at


def priced(**changes: object) -> Teacher:
    prices = {"input_micro_usd_per_million": 150_000, "output_micro_usd_per_million": 600_000}
    return teacher_at("http://teacher/v1", **(prices | changes))


def test_a_cost_is_rounded_up():
    assert cost_micro_usd(priced(), 1, 0) == 1
    assert cost_micro_usd(priced(), 1_000_000, 0) == 150_000
    assert cost_micro_usd(priced(), 1_000_001, 1) == 150_001


def test_a_free_teacher_costs_nothing():
    free = priced(input_micro_usd_per_million=0, output_micro_usd_per_million=0)

    assert estimate_micro_usd(free, PROMPT) == 0


@pytest.mark.parametrize("name", ["input_micro_usd_per_million", "output_micro_usd_per_million"])
def test_an_unknown_price_is_an_error(name: str):
    with pytest.raises(InvalidInput) as raised:
        estimate_micro_usd(priced(**{name: None}), PROMPT)
    assert raised.value.code == "price_required"


@given(
    text=st.text(st.characters()),
    system=st.none() | st.text(),
    max_tokens=st.integers(1, 100_000),
    prices=st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)),
)
def test_an_estimate_is_never_below_the_cost(
    text: str, system: str | None, max_tokens: int, prices: tuple[int, int]
):
    """The worst tokenizer makes a token of every byte, and a reply fills its limit."""
    prompt = replace(PROMPT, text=text, system=system, decoding=Decoding(max_tokens=max_tokens))
    teacher = priced(input_micro_usd_per_million=prices[0], output_micro_usd_per_million=prices[1])
    sent = len(text.encode("utf-8", "surrogatepass")) + len((system or "").encode())
    marks = 4 * 2 + 3  # tokens around two messages and before the reply

    assert estimate_micro_usd(teacher, prompt) >= cost_micro_usd(teacher, sent + marks, max_tokens)


@pytest.mark.parametrize(
    ("extra_body", "tokens"),
    [
        ({}, 64),
        ({"max_tokens": 100}, 100),
        ({"max_tokens": None, "max_completion_tokens": 300}, 300),
        ({"max_completion_tokens": 30}, 64),
        ({"max_tokens": None}, 8192),
        ({"n": 3}, 192),
        ({"max_tokens": True}, 8192),
    ],
)
def test_output_is_bounded_by_what_will_be_asked_for(extra_body: dict[str, object], tokens: int):
    teacher = priced(extra_body=extra_body, context_length=8192)

    assert most_output_tokens(teacher, PROMPT) == tokens


def test_schemas_in_the_extra_body_count_as_input():
    schema = {"response_format": {"schema": {"description": "x" * 1_000_000}}}
    difference = estimate_micro_usd(priced(extra_body=schema), PROMPT) - estimate_micro_usd(
        priced(), PROMPT
    )

    assert difference >= 150_000
