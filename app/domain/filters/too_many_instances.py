"""Drops instances beyond a limit, drawn at random so that late ones have a chance."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from app.domain.records import Instance


@dataclass(frozen=True, slots=True)
class TooManyInstances:
    """At most 5, sampled with a generator seeded 123, in Self-Instruct's released code.

    There one generator runs through all instructions; here `seed` should name the instruction, so
    that its draw does not hang on the others. Those kept stay in order.
    """

    limit: int = 5
    seed: int | str = 123

    def reasons(self, instances: Sequence[Instance]) -> Sequence[str | None]:
        count = len(instances)
        kept = set(Random(self.seed).sample(range(count), min(self.limit, count)))
        return [None if index in kept else "too_many_instances" for index in range(count)]
