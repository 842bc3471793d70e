"""Who runs beside whom after a worker died, played out for hundreds of calls and a few poisons."""

import random
from dataclasses import dataclass

import pytest

from app.domain.suspicion import STRIKES, SUSPECTS_TOGETHER, flight, is_out


@dataclass
class Call:
    name: int
    poisonous: bool
    strikes: int = 0


def test_suspects_share_a_flight_once_and_are_alone_after_that() -> None:
    once = [Call(number, False, 1) for number in range(50)]
    assert flight(once) == once[:SUSPECTS_TOGETHER]
    twice = Call(99, False, 2)
    assert flight([twice, *once]) == [twice]
    assert flight([]) == []
    assert not is_out(STRIKES - 1)
    assert is_out(STRIKES)


@pytest.mark.parametrize(("calls", "poisons"), [(8, 1), (100, 1), (500, 3), (40, 40)])
def test_only_poison_strikes_out_and_no_worker_dies_too_often(calls: int, poisons: int) -> None:
    rng = random.Random(calls)
    waiting = [Call(number, number < poisons) for number in range(calls)]
    rng.shuffle(waiting)
    out: list[Call] = []
    deaths = rounds = 0
    while waiting:
        rounds += 1
        fresh = [each for each in waiting if not each.strikes]
        suspects = sorted((each for each in waiting if each.strikes), key=lambda c: -c.strikes)
        flown = fresh[:500] or list(flight(suspects))
        if any(each.poisonous for each in flown):
            deaths += 1
            for each in flown:
                each.strikes += 1
            out += [each for each in flown if is_out(each.strikes)]
            waiting = [each for each in waiting if not is_out(each.strikes)]
        else:
            waiting = [each for each in waiting if each not in flown]
    assert sorted(each.name for each in out) == list(range(poisons))
    assert deaths <= STRIKES * poisons
    assert rounds <= 2 + calls // SUSPECTS_TOGETHER + poisons * (SUSPECTS_TOGETHER + 2)
