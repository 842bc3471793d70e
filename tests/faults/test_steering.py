"""People cancel, pause and set budgets, and teachers ask for quiet: promises 9, 17, 18, 19."""

import pytest

from tests.faults.conftest import Keep

pytestmark = [pytest.mark.slow, pytest.mark.faults]


def test_17_a_cancelled_job_makes_no_further_call(keep: Keep) -> None:
    figures = keep("17")
    assert (figures.lost, figures.duplicated) == (0, 0)
    assert figures.paid_again <= figures.allowed_again


def test_18_pausing_and_resuming_costs_no_call(keep: Keep) -> None:
    figures = keep("18")
    assert (figures.lost, figures.duplicated) == (0, 0)
    assert figures.paid_again <= figures.allowed_again


def test_19_a_budget_holds_at_every_moment(keep: Keep) -> None:
    figures = keep("19")
    assert (figures.lost, figures.duplicated) == (0, 0)
    assert figures.paid_again <= figures.allowed_again


def test_19_a_budget_too_small_for_a_call_buys_none(keep: Keep) -> None:
    assert keep("19b").calls == 0


def test_09_the_fleet_waits_as_long_as_the_teacher_asks(keep: Keep) -> None:
    figures = keep("9")
    assert (figures.lost, figures.duplicated) == (0, 0)
    assert figures.paid_again <= figures.allowed_again
