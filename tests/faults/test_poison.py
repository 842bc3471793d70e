"""Calls that kill whoever makes them: promise 10."""

import pytest

from tests.faults.conftest import Keep

pytestmark = [pytest.mark.slow, pytest.mark.faults]


def test_10_a_prompt_that_kills_workers_is_set_aside_alone(keep: Keep) -> None:
    figures = keep("10")
    assert (figures.lost, figures.duplicated) == (0, 0)
    assert figures.paid_again <= figures.allowed_again


def test_10_a_reply_that_kills_workers_is_set_aside_alone(keep: Keep) -> None:
    figures = keep("10b")
    assert (figures.lost, figures.duplicated) == (0, 0)
    assert figures.paid_again <= figures.allowed_again


def test_10_a_reply_that_asks_for_all_memory_is_set_aside_alone(keep: Keep) -> None:
    figures = keep("10c")
    assert (figures.lost, figures.duplicated) == (0, 0)
    assert figures.paid_again <= figures.allowed_again


def test_10_a_reply_whose_parsing_never_ends_is_set_aside_alone(keep: Keep) -> None:
    figures = keep("10d")
    assert (figures.lost, figures.duplicated) == (0, 0)
    assert figures.paid_again <= figures.allowed_again
