"""What becomes of a call slot, and of its money, for every way that a call can end.

The table is the service's promise about money: unpaid failures are released and repeated, unknown
ones are charged in full, paid ones are never bought again without need.
"""

from dataclasses import dataclass
from enum import StrEnum

from app.domain.lifecycle import JobReason, SlotState

MOST_UNPAID_FAILURES = 6
MOST_UNKNOWN_FAILURES = 3
MOST_UNREADABLE_FAILURES = 2
LONGEST_BACKOFF_S = 60.0


class Ending(StrEnum):
    """How a call ended, as the door tells it."""

    ANSWERED = "answered"
    RATE_LIMITED = "rate_limited"
    QUOTA = "quota"
    UNAUTHORIZED = "unauthorized"
    REFUSED = "refused"
    SERVER_ERROR = "server_error"
    NOT_SENT = "not_sent"
    WITHDRAWN = "withdrawn"
    UNKNOWN = "unknown"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    REDIRECTED = "redirected"


UNPAID = frozenset(
    {
        Ending.RATE_LIMITED,
        Ending.QUOTA,
        Ending.UNAUTHORIZED,
        Ending.REFUSED,
        Ending.SERVER_ERROR,
        Ending.NOT_SENT,
        Ending.WITHDRAWN,
        Ending.REDIRECTED,
    }
)
# The teacher could not serve: what a circuit breaker counts.
UNHEALTHY = frozenset(
    {
        Ending.SERVER_ERROR,
        Ending.NOT_SENT,
        Ending.UNKNOWN,
        Ending.UNREADABLE,
        Ending.REDIRECTED,
    }
)


@dataclass(frozen=True, slots=True)
class Settlement:
    """Where the slot goes, how many failures count against it, how long it waits (seconds)."""

    state: SlotState
    failures: int
    reason: str | None = None
    wait_s: float | None = None
    pause: JobReason | None = None


def settle(
    ending: Ending, failures: int, *, retry_after_s: float | None, jitter: float
) -> Settlement:
    """The settlement of an attempt; `failures` is the count so far, `jitter` lies in [0, 1)."""
    match ending:
        case Ending.ANSWERED | Ending.TOO_LARGE:
            return Settlement(SlotState.RECEIVED, failures)
        case Ending.WITHDRAWN:
            return Settlement(SlotState.READY, failures)
        case Ending.RATE_LIMITED:
            return Settlement(SlotState.READY, failures, wait_s=retry_after_s)
        case Ending.QUOTA:
            return Settlement(SlotState.READY, failures, pause=JobReason.TEACHER_QUOTA)
        case Ending.UNAUTHORIZED:
            return Settlement(SlotState.READY, failures, pause=JobReason.TEACHER_UNAUTHORIZED)
        case Ending.REFUSED:
            return Settlement(SlotState.FAILED, failures + 1, reason="refused")
        case Ending.SERVER_ERROR | Ending.NOT_SENT | Ending.REDIRECTED:
            return _again(ending, failures + 1, MOST_UNPAID_FAILURES, retry_after_s, jitter)
        case Ending.UNKNOWN:
            return _again(ending, failures + 1, MOST_UNKNOWN_FAILURES, retry_after_s, jitter)
        case Ending.UNREADABLE:
            return _again(ending, failures + 1, MOST_UNREADABLE_FAILURES, retry_after_s, jitter)


def _again(
    ending: Ending, failures: int, most: int, retry_after_s: float | None, jitter: float
) -> Settlement:
    if failures >= most:
        paid_for = ending is Ending.UNREADABLE
        state = SlotState.RECEIVED if paid_for else SlotState.FAILED
        return Settlement(state, failures, reason=ending)
    wait_s = retry_after_s if retry_after_s is not None else backoff_s(failures, jitter)
    return Settlement(SlotState.READY, failures, reason=ending, wait_s=wait_s)


def backoff_s(failures: int, jitter: float) -> float:
    """Full jitter: a random share of 1, 2, 4, ... seconds, at most a minute."""
    return jitter * min(LONGEST_BACKOFF_S, 2.0 ** (failures - 1))
