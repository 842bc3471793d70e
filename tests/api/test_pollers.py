"""Pollers are counted well enough to name an interval, and cost little to count."""

from heapq import heappop, heappush
from math import ceil

import pytest

from app.api.pollers import FEW_POLLERS, LONG_POLL_S, POLLS_PER_S, SHORT_POLL_S, Pollers


class Clock:
    """Seconds that pass when told to."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def following(count: int, *, until_s: float = 200.0) -> list[tuple[float, int]]:
    """When each poll of so many clients came, and what wait it was told; they keep to it."""
    clock = Clock()
    pollers = Pollers(clock)
    due = [15 * at / count for at in range(count)]
    told: list[tuple[float, int]] = []
    while clock.now_s < until_s:
        clock.now_s = heappop(due)
        told.append((clock.now_s, pollers.seen()))
        heappush(due, clock.now_s + told[-1][1] + 0.01)
    return told


@pytest.mark.parametrize("count", [1, 300, 600, 3_000, 10_000])
def test_the_wait_grows_with_them_so_that_the_rate_does_not(count: int) -> None:
    settled = [(at_s, wait_s) for at_s, wait_s in following(count) if at_s > 100]
    waits = {wait_s for _, wait_s in settled}
    right_s = max(SHORT_POLL_S, ceil(count / POLLS_PER_S))
    assert right_s <= min(waits) <= max(waits) <= right_s + 2, "a wait ends within its last second"
    assert len(settled) <= 100 * POLLS_PER_S * 1.15


def test_nobody_waits_longer_than_the_longest() -> None:
    pollers = Pollers(Clock())
    told = [pollers.seen() for _ in range(3 * LONG_POLL_S * POLLS_PER_S)]
    assert max(told) == told[-1] == LONG_POLL_S


def test_when_they_leave_the_wait_is_short_again() -> None:
    clock = Clock()
    pollers = Pollers(clock)
    assert max(pollers.seen() for _ in range(10_000)) == 40
    clock.now_s += 41
    assert pollers.seen() == SHORT_POLL_S
    clock.now_s += 1e6
    assert pollers.seen() == SHORT_POLL_S


def test_one_that_asks_more_often_than_told_is_as_many() -> None:
    clock = Clock()
    pollers = Pollers(clock)
    for _ in range(FEW_POLLERS):
        clock.now_s += 1 / FEW_POLLERS
        assert pollers.seen() == SHORT_POLL_S
    assert pollers.seen() > SHORT_POLL_S
