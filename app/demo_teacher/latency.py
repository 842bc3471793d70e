"""How long a reply takes, drawn for each attempt of each prompt."""

import math
from typing import assert_never

from app.demo_teacher.draws import seeded_random, unit
from app.demo_teacher.settings import LatencyTail

LOGNORMAL_SIGMA = 1.0
SLOW_SHARE, FAST_FACTOR, SLOW_FACTOR = 0.1, 0.5, 5.5


def latency_s(tail: LatencyTail, mean_s: float, seed: int, digest: bytes, attempt: int) -> float:
    """Seconds from a call's arrival to its reply; the mean over many prompts is `mean_s`."""
    match tail:
        case LatencyTail.FIXED:
            return mean_s
        case LatencyTail.LOGNORMAL:
            normal = seeded_random(seed, "latency", digest, attempt).gauss(0.0, LOGNORMAL_SIGMA)
            return mean_s * math.exp(normal - LOGNORMAL_SIGMA**2 / 2)
        case LatencyTail.TWO_POINT:
            slow = unit(seed, "latency", digest, attempt) < SLOW_SHARE
            return mean_s * (SLOW_FACTOR if slow else FAST_FACTOR)
        case _:
            assert_never(tail)
