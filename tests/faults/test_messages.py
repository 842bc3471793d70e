"""Messages come five times or never, and sweepers are many or none: promises 15, 16, 25."""

import pytest

from tests.faults.conftest import Keep

pytestmark = [pytest.mark.slow, pytest.mark.faults]


def test_15_every_message_may_come_five_times(keep: Keep) -> None:
    figures = keep("15")
    assert (figures.lost, figures.duplicated) == (0, 0)
    assert figures.paid_again <= figures.allowed_again


def test_16_no_message_need_ever_come(keep: Keep) -> None:
    figures = keep("16")
    assert (figures.lost, figures.duplicated) == (0, 0)
    assert figures.paid_again <= figures.allowed_again


def test_25_one_worker_recovers_everything(keep: Keep) -> None:
    figures = keep("25")
    assert (figures.lost, figures.duplicated) == (0, 0)
    assert figures.paid_again <= figures.allowed_again


def test_25_five_sweepers_are_as_one(keep: Keep) -> None:
    figures = keep("25b")
    assert (figures.lost, figures.duplicated) == (0, 0)
    assert figures.paid_again <= figures.allowed_again
