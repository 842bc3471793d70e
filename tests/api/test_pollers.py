"""Pollers are counted well enough to name an interval, and cost little to count."""

from app.api.pollers import FEW_POLLERS, LONG_POLL_S, SHORT_POLL_S, Pollers


class Clock:
    """Seconds that pass when told to."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def polls(clock: Clock, pollers: Pollers, count: int) -> int:
    """The interval after so many clients, each of its own, have asked within a second."""
    named = SHORT_POLL_S
    for poller in range(count):
        clock.now_s += 1 / count
        named = pollers.seen(poller)
    return named


def test_fifty_may_ask_often() -> None:
    clock = Clock()
    pollers = Pollers(clock)
    for _ in range(10):
        assert polls(clock, pollers, FEW_POLLERS) == SHORT_POLL_S
        clock.now_s += 1


def test_one_more_makes_all_wait_longer() -> None:
    clock = Clock()
    pollers = Pollers(clock)
    for _ in range(10):
        assert polls(clock, pollers, FEW_POLLERS + 1) == LONG_POLL_S
        clock.now_s += LONG_POLL_S - 1


def test_when_they_leave_the_interval_is_short_again() -> None:
    clock = Clock()
    pollers = Pollers(clock)
    assert polls(clock, pollers, 1000) == LONG_POLL_S
    clock.now_s += 2 * LONG_POLL_S + 1
    assert pollers.seen("last") == SHORT_POLL_S


def test_few_are_remembered_of_many() -> None:
    clock = Clock()
    pollers = Pollers(clock)
    polls(clock, pollers, 10_000)
    assert len(pollers._seen_s) <= FEW_POLLERS + 1
