"""A promise about faults: its number and words, and how it is put to the test in two sizes."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.figures import Figures
from tests.faults.harness import Harness


@dataclass(frozen=True)
class Size:
    """How hard a scenario tries: faults, rows asked for, calls between faults, seconds of each.

    `quick` is with leases and sweeps of seconds; else they are those of a real installation.
    """

    times: int
    rows: int
    every_calls: int = 10
    down_s: float = 0.0
    quick: bool = True


Scenario = Callable[[Harness, Size], Figures]


@dataclass(frozen=True)
class Promise:
    """`run` returns the figures, or fails and says what was broken."""

    number: str
    words: str
    run: Scenario
    short: Size
    full: Size
