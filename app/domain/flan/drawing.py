"""Draws from streams that are longer than memory: some of many, and a few to keep at hand."""

from collections.abc import Hashable
from random import Random
from typing import Generic, TypeVar

Item = TypeVar("Item")
Key = TypeVar("Key", bound=Hashable)


class Selection:
    """Tells, one after another, which of `total` things are among the `wanted` that are drawn.

    Every set of that size is equally likely, and exactly that many are taken.
    """

    def __init__(self, wanted: int, total: int, chance: Random) -> None:
        self._wanted = min(wanted, total)
        self._left = total
        self._chance = chance

    def take(self) -> bool:
        """Whether the next thing is drawn."""
        taken = self._chance.random() * self._left < self._wanted
        self._left -= 1
        self._wanted -= taken
        return taken


class Reservoirs(Generic[Key, Item]):
    """For each key a fair draw of at most `size` of all that was seen under it."""

    def __init__(self, size: int, chance: Random) -> None:
        self._size = size
        self._chance = chance
        self._kept: dict[Key, list[Item]] = {}
        self._seen: dict[Key, int] = {}

    def see(self, key: Key, item: Item) -> None:
        """Keep it, or not."""
        seen = self._seen.get(key, 0)
        self._seen[key] = seen + 1
        kept = self._kept.setdefault(key, [])
        if seen < self._size:
            kept.append(item)
            return
        place = self._chance.randrange(seen + 1)
        if place < self._size:
            kept[place] = item

    def of(self, key: Key) -> list[Item]:
        """What is kept under a key."""
        return self._kept.get(key, [])
