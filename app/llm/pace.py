"""The rate that a teacher turned out to allow this process, learnt from its refusals."""

import math

CUT = 0.95
GROWTH_PER_S = 0.005
SLOW_START_PER_S = 0.05
IMPATIENT_AFTER_S = 30.0
FORGOTTEN_AT = 20.0
LEAST_CALLS = 0.5


class Pace:
    """No rate until the first refusal; then what was let through, probing upwards.

    The first estimate counts what the teacher took since it was first asked, up to the moment when
    it may be asked again. A later refusal cuts the rate by a twentieth. It grows by half a percent
    a second and the faster the longer nothing is refused, as CUBIC's window does (RFC 9438), so the
    share of a worker that has gone is taken over; grown twentyfold it is forgotten. A worker
    of which nothing was taken, or that was only held back by the refusals of others, has nothing to
    go by: it starts slowly and grows ten times as fast.

    The rates of a fleet need no agreement: what each worker was let through adds up to what the
    teacher lets through.
    """

    def __init__(self) -> None:
        self._since_s: float | None = None
        self._sent = 0
        self._refused = 0
        self._cut_at_s: float | None = None
        self._open_at_s = 0.0
        self._learning = True
        self._guessed = False
        self._rate_per_s = 0.0

    @property
    def is_known(self) -> bool:
        """Whether there was a refusal."""
        return self._cut_at_s is not None

    @property
    def is_learning(self) -> bool:
        """Whether the first estimate is not settled yet."""
        return self._learning

    def held_back(self, *, now_s: float, open_at_s: float) -> None:
        """Learn from the refusals of others: the gate is closed, so what was sent was enough."""
        if self._cut_at_s is None and self._learning:
            self._cut_at_s, self._open_at_s = now_s, open_at_s
            self._estimate(open_at_s)

    def sent(self, now_s: float) -> None:
        """Count a call as it leaves."""
        if self._since_s is None:
            self._since_s = now_s
        self._sent += 1

    def refused(self, *, sent_at_s: float, now_s: float, open_at_s: float) -> None:
        """Count a refusal; calls that left before the gate opened again are of the same burst."""
        self._refused += 1
        if self._cut_at_s is None:
            self._cut_at_s = now_s
        elif sent_at_s >= self._open_at_s:
            self._learning = False
            self._rate_per_s = self._grown(now_s) * CUT
            self._cut_at_s = now_s
        self._open_at_s = open_at_s
        if self._learning:
            self._estimate(open_at_s)

    def per_minute(self, now_s: float) -> float | None:
        """The rate to keep to now, or None while none is known."""
        if self._cut_at_s is None:
            return None
        rate_per_s = self._grown(now_s)
        if rate_per_s > FORGOTTEN_AT * self._rate_per_s:
            self._since_s = self._cut_at_s = None
            self._sent = self._refused = 0
            self._learning = True
            return None
        return rate_per_s * 60.0

    def _estimate(self, open_at_s: float) -> None:
        since_s = self._since_s if self._since_s is not None else open_at_s
        asked_for_s = max(1.0, open_at_s - since_s)
        taken = self._sent - self._refused
        self._guessed = taken < 1
        self._rate_per_s = max(LEAST_CALLS, taken) / asked_for_s

    def _grown(self, now_s: float) -> float:
        age_s = max(0.0, now_s - (self._cut_at_s or now_s))
        per_s = SLOW_START_PER_S if self._guessed else GROWTH_PER_S
        growth = per_s * age_s * (1.0 + age_s / IMPATIENT_AFTER_S)
        return self._rate_per_s * math.exp(min(growth, 50.0))
