"""Who is to blame when a worker dies: calls that were in its hands are suspects, not failures.

A worker that dies takes every call down that it had under way, and any of them may have killed it.
So suspects run again apart from the others: after a first strike a few together, after a second
one alone in its process. A call that strikes out was alone at the last strike, which no neighbour
of a poisonous call ever is; and an outage that hits hundreds at once costs a few short rounds
instead of hundreds.
"""

from collections.abc import Sequence
from typing import Protocol, TypeVar

STRIKES = 3
SUSPECTS_TOGETHER = 32


class Suspect(Protocol):
    """Anything that counts its strikes."""

    @property
    def strikes(self) -> int: ...


Found = TypeVar("Found", bound=Suspect)


def is_out(strikes: int) -> bool:
    """Whether so many strikes are too many."""
    return strikes >= STRIKES


def flight(most_suspect_first: Sequence[Found]) -> Sequence[Found]:
    """Which suspects may be under way together."""
    alone = bool(most_suspect_first) and most_suspect_first[0].strikes >= STRIKES - 1
    return most_suspect_first[: 1 if alone else SUSPECTS_TOGETHER]
