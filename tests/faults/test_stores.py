"""Redis and Postgres forget, die, stay away and fall silent: promises 3 to 6."""

import pytest

from tests.faults.conftest import Keep

pytestmark = [pytest.mark.slow, pytest.mark.faults]


def test_03_redis_may_forget_everything(keep: Keep) -> None:
    figures = keep("3")
    assert (figures.lost, figures.duplicated) == (0, 0)
    assert figures.paid_again <= figures.allowed_again


def test_04_redis_may_die(keep: Keep) -> None:
    figures = keep("4")
    assert (figures.lost, figures.duplicated) == (0, 0)
    assert figures.paid_again <= figures.allowed_again


def test_04_redis_may_stay_away(keep: Keep) -> None:
    figures = keep("4b")
    assert (figures.lost, figures.duplicated) == (0, 0)
    assert figures.paid_again <= figures.allowed_again


def test_05_postgres_may_crash(keep: Keep) -> None:
    figures = keep("5")
    assert (figures.lost, figures.duplicated) == (0, 0)
    assert figures.paid_again <= figures.allowed_again


def test_06_a_commit_may_go_through_unheard(keep: Keep) -> None:
    figures = keep("6")
    assert (figures.lost, figures.duplicated) == (0, 0)
    assert figures.paid_again <= figures.allowed_again
