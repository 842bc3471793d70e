"""The table of what becomes of a slot and its money, row by row."""

import pytest

from app.domain.lifecycle import SLOT_MOVES, JobReason, SlotState
from app.domain.settlement import (
    LONGEST_BACKOFF_S,
    UNPAID,
    Ending,
    backoff_s,
    settle,
)

READY, RECEIVED, FAILED = SlotState.READY, SlotState.RECEIVED, SlotState.FAILED


@pytest.mark.parametrize(
    ("ending", "failures", "state", "counted"),
    [
        (Ending.ANSWERED, 0, RECEIVED, 0),
        (Ending.TOO_LARGE, 0, RECEIVED, 0),
        (Ending.RATE_LIMITED, 4, READY, 4),
        (Ending.QUOTA, 0, READY, 0),
        (Ending.UNAUTHORIZED, 0, READY, 0),
        (Ending.REFUSED, 0, FAILED, 1),
        (Ending.SERVER_ERROR, 0, READY, 1),
        (Ending.SERVER_ERROR, 4, READY, 5),
        (Ending.SERVER_ERROR, 5, FAILED, 6),
        (Ending.NOT_SENT, 5, FAILED, 6),
        (Ending.REDIRECTED, 5, FAILED, 6),
        (Ending.UNKNOWN, 0, READY, 1),
        (Ending.UNKNOWN, 2, FAILED, 3),
        (Ending.UNREADABLE, 0, READY, 1),
        (Ending.UNREADABLE, 1, RECEIVED, 2),
    ],
)
def test_where_the_slot_goes(ending: Ending, failures: int, state: SlotState, counted: int) -> None:
    verdict = settle(ending, failures, retry_after_s=None, jitter=0.5)
    assert (verdict.state, verdict.failures) == (state, counted)
    assert state in SLOT_MOVES[SlotState.IN_FLIGHT]


def test_what_pauses_the_job() -> None:
    assert settle(Ending.QUOTA, 0, retry_after_s=None, jitter=0).pause is JobReason.TEACHER_QUOTA
    verdict = settle(Ending.UNAUTHORIZED, 0, retry_after_s=None, jitter=0)
    assert verdict.pause is JobReason.TEACHER_UNAUTHORIZED


def test_a_wait_that_the_teacher_names_is_kept_to_the_second() -> None:
    for ending in (Ending.RATE_LIMITED, Ending.SERVER_ERROR):
        assert settle(ending, 0, retry_after_s=17.0, jitter=0.0).wait_s == 17.0


def test_backoff_doubles_within_a_minute_and_is_never_fixed() -> None:
    assert [backoff_s(failures, 1.0) for failures in (1, 2, 3)] == [1.0, 2.0, 4.0]
    assert backoff_s(50, 1.0) == LONGEST_BACKOFF_S
    assert backoff_s(3, 0.25) == 1.0


def test_only_paid_and_perhaps_paid_endings_cost_money() -> None:
    paid = {Ending.ANSWERED, Ending.TOO_LARGE, Ending.UNREADABLE, Ending.UNKNOWN}
    assert set(Ending) - UNPAID == paid
