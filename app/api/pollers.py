"""How many clients follow a job, and how soon each should ask again."""

from collections import OrderedDict
from collections.abc import Callable, Hashable

FEW_POLLERS = 50
SHORT_POLL_S = 2
LONG_POLL_S = 15
# A client that keeps to its interval is seen within it; twice that forgives lateness.
_WINDOW_INTERVALS = 2


class Pollers:
    """The pollers of one job, the latest of them kept: no more than it takes to see too many."""

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._monotonic_s = monotonic_s
        self._seen_s: OrderedDict[Hashable, float] = OrderedDict()
        self._interval_s = SHORT_POLL_S

    def seen(self, poller: Hashable) -> int:
        """Note a poll, and return the seconds until the next one is welcome."""
        now_s = self._monotonic_s()
        self._seen_s[poller] = now_s
        self._seen_s.move_to_end(poller)
        oldest_s = now_s - _WINDOW_INTERVALS * self._interval_s
        while len(self._seen_s) > FEW_POLLERS + 1 or next(iter(self._seen_s.values())) < oldest_s:
            self._seen_s.popitem(last=False)
        self._interval_s = SHORT_POLL_S if len(self._seen_s) <= FEW_POLLERS else LONG_POLL_S
        return self._interval_s
