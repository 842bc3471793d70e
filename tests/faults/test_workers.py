"""Workers are killed, paused and replaced, and their clocks are wrong: promises 1, 2, 14, 24."""

import pytest

from tests.faults.conftest import Keep
from tests.faults.harness import libfaketime

pytestmark = [pytest.mark.slow, pytest.mark.faults]


def test_01_a_killed_worker_loses_nothing(keep: Keep) -> None:
    figures = keep("1")
    assert (figures.lost, figures.duplicated) == (0, 0)
    assert figures.paid_again <= figures.allowed_again


def test_02_a_paused_worker_corrupts_nothing(keep: Keep) -> None:
    figures = keep("2")
    assert (figures.lost, figures.duplicated) == (0, 0)
    assert figures.paid_again <= figures.allowed_again


def test_24_a_worker_that_is_asked_to_end_pays_nothing_again(keep: Keep) -> None:
    figures = keep("24")
    assert (figures.lost, figures.duplicated) == (0, 0)
    assert figures.paid_again <= figures.allowed_again


@pytest.mark.skipif(libfaketime() is None, reason="needs Debian's package faketime")
def test_14_wrong_clocks_steal_no_lease(keep: Keep) -> None:
    figures = keep("14")
    assert (figures.lost, figures.duplicated) == (0, 0)
    assert figures.paid_again <= figures.allowed_again
