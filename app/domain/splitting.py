"""Which rows stand in which split: whole clusters, so that no seed is on both sides."""

import hashlib
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

TRAIN, VALIDATION, TEST, HELD_OUT = "train", "validation", "test", "held_out"
Node = TypeVar("Node", bound=Hashable)


@dataclass(slots=True)
class Clusters(Generic[Node]):
    """Things that hang together (union-find, with path halving and union by size)."""

    _at: dict[Node, int] = field(default_factory=dict[Node, int])
    _nodes: list[Node] = field(default_factory=list[Node])
    _parents: list[int] = field(default_factory=list[int])
    _sizes: list[int] = field(default_factory=list[int])

    def join(self, nodes: Iterable[Node]) -> None:
        """These hang together."""
        places = [self._place(node) for node in nodes]
        for other in places[1:]:
            self._unite(places[0], other)

    def root(self, node: Node) -> Node:
        """The same node for all that hang together with this one; itself if it is new."""
        return self._nodes[self._find(self._place(node))]

    def __contains__(self, node: Node) -> bool:
        return node in self._at

    def _place(self, node: Node) -> int:
        place = self._at.setdefault(node, len(self._nodes))
        if place == len(self._nodes):
            self._nodes.append(node)
            self._parents.append(place)
            self._sizes.append(1)
        return place

    def _find(self, place: int) -> int:
        while self._parents[place] != place:
            self._parents[place] = self._parents[self._parents[place]]
            place = self._parents[place]
        return place

    def _unite(self, first: int, second: int) -> None:
        first, second = self._find(first), self._find(second)
        if first == second:
            return
        if self._sizes[first] < self._sizes[second]:
            first, second = second, first
        self._parents[second] = first
        self._sizes[first] += self._sizes[second]


def assign(sizes: Mapping[str, int], shares: Mapping[str, float], seed: int) -> Mapping[str, str]:
    """A split for each cluster, given by name with its number of rows; what is left trains.

    Clusters come in an order that the seed and their names alone decide, and one is taken for a
    split if no more than the split's share of all rows is reached with it. The same clusters,
    shares and seed always give the same splits.
    """
    total = sum(sizes.values())
    left = {split: round(share * total) for split, share in shares.items()}
    found: dict[str, str] = {}
    for name in sorted(sizes, key=lambda each: _rank(seed, each)):
        split = next((each for each, room in left.items() if 0 < sizes[name] <= room), TRAIN)
        found[name] = split
        if split in left:
            left[split] -= sizes[name]
    return found


def chosen_apart(names: Iterable[str], share: float, seed: int) -> frozenset[str]:
    """That share of the names, rounded, at least one if it is not 0; the seed decides which."""
    ranked = sorted(names, key=lambda each: _rank(seed, each))
    count = max(1, round(share * len(ranked))) if share > 0 else 0
    return frozenset(ranked[: min(count, max(0, len(ranked) - 1))])


def _rank(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed} {name}".encode()).digest()
