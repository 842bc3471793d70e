"""When calls become a batch, how long one is waited for, and when a fruitless one is a warning."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.batching import LONGEST_WAIT, Gathering, is_time, pause_after, wait_s
from app.domain.lifecycle import JobReason
from app.domain.settlement import Ending

QUIET = Gathering(ready=3, due=True, unread=0, candidates_waiting=0, batches_live=0)


def test_what_is_ready_goes_once_nothing_is_coming() -> None:
    assert is_time(QUIET, 100)
    assert not is_time(replace(QUIET, ready=0), 100)


@pytest.mark.parametrize("coming", ["unread", "candidates_waiting", "batches_live"])
def test_calls_wait_for_those_that_may_join_them_unless_the_batch_is_full(coming: str) -> None:
    waiting = replace(QUIET, **{coming: 1})
    assert not is_time(waiting, 100)
    assert is_time(waiting, 3)


def test_calls_that_wait_for_their_time_are_waited_for() -> None:
    assert not is_time(replace(QUIET, due=False), 100)
    assert is_time(replace(QUIET, due=False), 3)


@given(st.integers(0, 10**6))
def test_waits_double_up_to_a_limit(count: int) -> None:
    assert 30.0 <= wait_s(30.0, count) <= wait_s(30.0, count + 1) <= 30.0 * LONGEST_WAIT
    assert wait_s(30.0, 1) == 2 * wait_s(30.0, 0) == 60.0


@pytest.mark.parametrize(
    ("endings", "reason"),
    [
        ({Ending.ANSWERED: 1, Ending.SERVER_ERROR: 900}, None),
        ({Ending.SERVER_ERROR: 12, Ending.NOT_SENT: 8}, JobReason.TEACHER_UNHEALTHY),
        ({Ending.SERVER_ERROR: 19}, None),
        ({Ending.REFUSED: 10}, JobReason.TEACHER_REFUSED),
        ({Ending.REFUSED: 9, Ending.RATE_LIMITED: 50}, None),
        ({}, None),
    ],
)
def test_a_batch_of_which_nothing_came_lets_the_job_rest(
    endings: dict[Ending, int], reason: JobReason | None
) -> None:
    assert pause_after(endings) is reason
