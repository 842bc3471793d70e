"""What a job without calls draws from, made ready outside of transactions, some rows ahead."""

from collections.abc import Sequence
from typing import Protocol, overload

from app.domain.records import Source
from app.runtime import Runtime

FEWEST_READY = 64


class Stock(Protocol):
    """Sources by number; those that are ready can be drawn inside a transaction."""

    @property
    def sources(self) -> Sequence[Source]:
        """All of them; one that is not ready cannot be taken."""
        ...

    def prepare(self, runtime: Runtime, first: int) -> None:
        """Make some ready from number `first` on, and forget those before it."""
        ...

    def ready(self, first: int, wanted: int) -> int:
        """How many from `first` on may be drawn now; `wanted` behind the last one."""
        ...

    def close(self) -> None:
        """Give back what is held."""
        ...


class ReadySources(Sequence[Source]):
    """Those that were made ready, by number; `total` is None until it is known."""

    def __init__(self, total: int | None) -> None:
        self.total = total
        self._ready: dict[int, Source] = {}

    def __len__(self) -> int:
        return self.total or 0

    @overload
    def __getitem__(self, index: int) -> Source: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Source]: ...
    def __getitem__(self, index: int | slice) -> Source | Sequence[Source]:
        if isinstance(index, slice):
            return [self._ready[number] for number in range(len(self))[index]]
        return self._ready[index]

    def put(self, number: int, source: Source) -> None:
        """One more is ready."""
        self._ready[number] = source

    def forget_before(self, first: int) -> None:
        """Those have been drawn."""
        for number in [each for each in self._ready if each < first]:
            del self._ready[number]

    def next_missing(self, first: int) -> int:
        """The first number from `first` on that is not ready."""
        while first in self._ready:
            first += 1
        return first

    def ready(self, first: int, wanted: int) -> int:
        """How many from `first` on may be drawn now; `wanted` behind the last one."""
        if self.total is None:
            return 0
        if first >= self.total:
            return wanted
        return min(wanted, self.next_missing(first) - first)
