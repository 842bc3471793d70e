"""How a teacher's concurrency is divided among the workers and jobs that use it.

Everyone who could use more gets an equal part; what somebody does not use is there for the others.
Beyond the calls that may be under way, each holds a few ready, so that the next leaves the moment
one comes back.
"""

import math
from dataclasses import dataclass

# Calls held ready: as many as come back within this time, at most as many again as are under way.
READY_S = 0.4
LEAST_READY = 2
# A teacher that takes few calls at once gets none ready: what a turn costs it is small beside a
# reply, and a worker that is killed then has at most so many calls to pay for again.
FEW_CALLS = 16


@dataclass(frozen=True, slots=True)
class Share:
    """What one worker may do for one job: calls under way in its process, and calls to claim."""

    window: int
    room: int


@dataclass(frozen=True, slots=True)
class Demand:
    """How a teacher's calls are spread: ours (this worker and job), other jobs of this worker,
    other workers; and how many of each could use more."""

    mine: int
    beside_me: int
    elsewhere: int
    hungry_beside_me: int = 0
    hungry_elsewhere: int = 0


def ready_calls(concurrency: int, latency_s: float) -> int:
    """How many calls to hold ready behind `concurrency` that take `latency_s` each."""
    if concurrency <= FEW_CALLS:
        return 0
    share = min(1.0, READY_S / max(latency_s, 0.001))
    return max(LEAST_READY, math.ceil(concurrency * share))


def share_of(most: int, demand: Demand, *, able: int, latency_s: float) -> Share:
    """Our part of a teacher that takes `most` calls at once; this process is `able` to send now."""
    hungry = demand.hungry_beside_me + demand.hungry_elsewhere
    part = math.ceil(most / (1 + hungry))
    window = _window(most, part, demand)
    under_way = min(part, window, able)
    ready = ready_calls(under_way, latency_s)
    others = demand.beside_me + demand.elsewhere
    free = most + ready_calls(most, latency_s) - others - demand.mine
    return Share(window, max(0, min(under_way + ready - demand.mine, free)))


def _window(most: int, part: int, demand: Demand) -> int:
    """Calls that this process may have under way: whole, or its jobs' parts beside hungry others,
    or what others that are content leave."""
    if demand.hungry_elsewhere:
        return min(most, part * (1 + demand.hungry_beside_me))
    return max(part, most - demand.elsewhere) if demand.elsewhere else most
