"""How many calls a teacher takes at once: additive increase, multiplicative decrease."""


class Window:
    """Starts at the teacher's maximum, is halved when the teacher is overloaded, then grows again.

    As in TCP congestion control (Chiu and Jain, 1989): one more call per window of successes, and
    at most one halving per round trip, because the calls that were sent before a halving say
    nothing about it.
    """

    def __init__(self, maximum: int) -> None:
        self._maximum = float(max(1, maximum))
        self._size = self._maximum
        self._halved_at = float("-inf")

    @property
    def size(self) -> int:
        """Calls that may be under way now, at least one."""
        return int(self._size)

    def bound(self, maximum: int) -> None:
        """Take over a changed maximum; a window that was never halved follows it upwards."""
        whole = self._size >= self._maximum
        self._maximum = float(max(1, maximum))
        self._size = self._maximum if whole else min(self._size, self._maximum)

    def succeeded(self) -> None:
        """Count an answer."""
        self._size = min(self._maximum, self._size + 1.0 / self._size)

    def overloaded(self, *, sent_at_s: float, now_s: float) -> None:
        """Halve, unless the call was sent before the last halving."""
        if sent_at_s >= self._halved_at:
            self._size = max(1.0, self._size / 2.0)
            self._halved_at = now_s
