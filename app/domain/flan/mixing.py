"""How many rows each task of a mixture gives: caps, rates in proportion to size, temperature."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Rates(StrEnum):
    """What a task's share of its collection is proportional to.

    `examples`: its size, up to a maximum (Flan). `t0`: over all templates its size, a data set
    above 500,000 rows being cut to that many over all of them. `equal`: nothing.
    """

    EXAMPLES = "examples"
    T0 = "t0"
    EQUAL = "equal"


@dataclass(frozen=True, slots=True)
class TaskSize:
    """What a task has: the rows of each template, and how many may be turned round besides."""

    name: str
    collection: str
    by_template: Mapping[str, int]
    inversions: int = 0

    @property
    def rows(self) -> int:
        return sum(self.by_template.values())

    @property
    def available(self) -> int:
        return self.rows + self.inversions


@dataclass(frozen=True, slots=True)
class MixSettings:
    """Caps by collection (`""` for all others), the rule of the rates, weights of collections."""

    rows: int | None = None
    caps: Mapping[str, int] | None = None
    rates: Rates = Rates.EXAMPLES
    rate_cap: int = 3000
    t0_cap: int = 500_000
    temperature: float = 1.0
    weights: Mapping[str, float] | None = None


def quotas(tasks: Sequence[TaskSize], settings: MixSettings) -> list[int]:
    """How many rows each task gives; never more than its cap or than it has.

    A collection that cannot give its share gives all it may, and the others fill up. Without a
    wanted number of rows it is as many as keep the shares of the collections.
    """
    limits = [_limit(task, settings.caps or {}) for task in tasks]
    if not settings.weights:
        wanted = sum(limits) if settings.rows is None else settings.rows
        if settings.rows is None:
            return limits
        return apportioned(wanted, [task_weight(task, settings) for task in tasks], limits)
    names = list(dict.fromkeys(task.collection for task in tasks))
    members = [[n for n, task in enumerate(tasks) if task.collection == name] for name in names]
    room = [sum(limits[n] for n in each) for each in members]
    weights = [settings.weights.get(name, 0.0) for name in names]
    wanted = _most(room, weights) if settings.rows is None else settings.rows
    found = [0] * len(tasks)
    for each, share in zip(members, apportioned(wanted, weights, room), strict=True):
        inner = [task_weight(tasks[n], settings) for n in each]
        for n, count in zip(
            each, apportioned(share, inner, [limits[m] for m in each]), strict=True
        ):
            found[n] = count
    return found


def task_weight(task: TaskSize, settings: MixSettings) -> float:
    """What the share of a task in its collection is proportional to."""
    match settings.rates:
        case Rates.EQUAL:
            size: float = 1 if task.rows else 0
        case Rates.EXAMPLES:
            size = min(task.rows, settings.rate_cap)
        case Rates.T0:
            size = _t0_size(task.by_template, settings.t0_cap)
    return size ** (1 / settings.temperature)


def apportioned(total: int, weights: Sequence[float], limits: Sequence[int]) -> list[int]:
    """Whole numbers in proportion to the weights, none above its limit, that sum to the total.

    What does not fit under a limit goes to the others; less than the total comes out only where
    every limit is reached.

    >>> apportioned(10, [1, 1, 2], [1, 9, 9])
    [1, 3, 6]
    """
    found = [0.0] * len(weights)
    open_ = {n for n, weight in enumerate(weights) if weight > 0 and limits[n] > 0}
    left: float = min(total, sum(limits[n] for n in open_))
    while open_:
        whole = sum(weights[n] for n in open_)
        full = {n for n in open_ if left * weights[n] / whole >= limits[n]}
        if not full:
            for n in open_:
                found[n] = left * weights[n] / whole
            break
        for n in full:
            found[n] = limits[n]
        left -= sum(limits[n] for n in full)
        open_ -= full
    return _rounded(found, limits)


def _rounded(shares: Sequence[float], limits: Sequence[int]) -> list[int]:
    """Largest remainders get the rest; ties go to the first."""
    whole = [math.floor(share + 1e-9) for share in shares]
    missing = round(sum(shares)) - sum(whole)
    order = sorted(range(len(shares)), key=lambda n: (whole[n] - shares[n], n))
    for n in order:
        if missing > 0 and whole[n] < limits[n] and shares[n] > whole[n]:
            whole[n] += 1
            missing -= 1
    return whole


def _limit(task: TaskSize, caps: Mapping[str, int]) -> int:
    cap = caps.get(task.name, caps.get(task.collection, caps.get("")))
    return task.available if cap is None else min(task.available, cap)


def _t0_size(by_template: Mapping[str, int], cap: int) -> int:
    largest, templates = max(by_template.values(), default=0), len(by_template)
    if largest <= cap:
        return sum(by_template.values())
    return sum(min(rows, cap // templates) for rows in by_template.values())


def _most(room: Sequence[int], weights: Sequence[float]) -> int:
    """The most rows of which every collection can give its share."""
    whole = sum(weights)
    shares = [(have, weight / whole) for have, weight in zip(room, weights, strict=True) if weight]
    return int(min((have / share for have, share in shares), default=0))
