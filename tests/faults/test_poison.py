"""Calls that kill whoever makes them: promise 10."""

import pytest

from tests.faults.conftest import Keep
from tests.faults.deadly import HARMS

pytestmark = [pytest.mark.slow, pytest.mark.faults]


def test_10_a_prompt_that_kills_workers_is_set_aside_alone(keep: Keep) -> None:
    figures = keep("10")
    assert (figures.lost, figures.duplicated) == (0, 0)
    assert figures.paid_again <= figures.allowed_again


def test_10_replies_that_harm_workers_are_set_aside_alone(keep: Keep) -> None:
    figures = keep("10b")
    assert (figures.lost, figures.duplicated) == (0, 0)
    assert figures.paid_again <= figures.allowed_again
    assert figures.faults >= HARMS
