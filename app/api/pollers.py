"""How many clients follow something, and how soon each should ask again."""

from collections.abc import Callable
from math import ceil

SHORT_POLL_S = 2
LONG_POLL_S = 60
# What a process answers to all who follow anything there: an answer takes half a millisecond of its
# core, connection and all, so that polls take an eighth of it however many follow.
POLLS_PER_S = 250
FEW_POLLERS = SHORT_POLL_S * POLLS_PER_S


class Pollers:
    """The pollers of one process, whatever they follow, counted by when each was asked back.

    A client that keeps to its wait is expected once at any time, be its connections new or old and
    the waits of others different, so those expected are the clients. All are told the shortest
    wait in which so many can be answered at that rate.
    """

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._monotonic_s = monotonic_s
        self._expected = [0] * (LONG_POLL_S + 1)  # by the second in which they are, modulo those
        self._count = 0
        self._second = int(monotonic_s())

    def seen(self) -> int:
        """Note a poll, and return the seconds until the next one is welcome."""
        self._forget_those_due(int(self._monotonic_s()))
        self._count += 1
        wait_s = min(max(ceil(self._count / POLLS_PER_S), SHORT_POLL_S), LONG_POLL_S)
        self._expected[(self._second + wait_s) % len(self._expected)] += 1
        return wait_s

    def _forget_those_due(self, second: int) -> None:
        """Whoever was expected by now has come, and is expected anew, or has left."""
        for passed in range(self._second, min(second, self._second + len(self._expected))):
            place = passed % len(self._expected)
            self._count -= self._expected[place]
            self._expected[place] = 0
        self._second = max(second, self._second)
