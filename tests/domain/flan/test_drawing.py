"""Draws from streams: exactly as many as wanted, each thing as likely as any other."""

from collections import Counter
from random import Random

from app.domain.flan.drawing import Reservoirs, Selection


def test_a_selection_takes_exactly_as_many() -> None:
    for wanted, total in ((0, 5), (5, 5), (9, 5), (3, 1000)):
        chance = Random(1)
        selection = Selection(wanted, total, chance)
        assert sum(selection.take() for _ in range(total)) == min(wanted, total)


def test_a_selection_is_fair() -> None:
    counts: Counter[int] = Counter()
    for seed in range(3000):
        selection = Selection(3, 10, Random(seed))
        counts.update(n for n in range(10) if selection.take())
    assert all(abs(counts[n] / 3000 - 0.3) < 0.05 for n in range(10))  # six standard deviations


def test_a_reservoir_is_fair_and_small() -> None:
    counts: Counter[int] = Counter()
    for seed in range(3000):
        pool: Reservoirs[str, int] = Reservoirs(4, Random(seed))
        for n in range(20):
            pool.see("a", n)
        counts.update(pool.of("a"))
        assert len({*pool.of("a")}) == 4
    assert all(abs(counts[n] / 3000 - 0.2) < 0.045 for n in range(20))
    assert Reservoirs[str, int](4, Random(0)).of("b") == []
