"""When a job stops for its teacher's sake: a circuit breaker over how its newest calls ended.

It reads no clock: each call comes with its age. The calls are those of the whole fleet, newest
first, from the ledger in Postgres, so that several workers on one job have one window; whoever
settles a call that failed asks. A window that nothing failed in is never read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from app.domain.settlement import UNHEALTHY, Ending

FAILURES_IN_A_ROW = 20
REFUSALS_IN_A_ROW = 10
WINDOW_S = 60.0
MOST_FAILED_SHARE = 0.5
MOST_CALLS_SEEN = 2000
PROBE_EVERY_S = 60.0
MOST_UNKNOWN_SHARE = 0.05

# Endings that show whether the teacher can serve. A rate limit is its right, a call that we took
# back says nothing, and want of money or of a key pauses the job by itself.
TELLING = UNHEALTHY | {Ending.ANSWERED, Ending.TOO_LARGE, Ending.REFUSED}
HEALTHY = TELLING - UNHEALTHY


@dataclass(frozen=True, slots=True)
class Ended:
    """One call that ended so many seconds ago."""

    ending: Ending
    age_s: float


def unhealthy(newest_first: Sequence[Ended]) -> str | None:
    """Why the circuit opens, in words; None while it stays closed."""
    telling = [each for each in newest_first if each.ending in TELLING]
    in_a_row = sum(1 for _ in takewhile(lambda each: each.ending in UNHEALTHY, telling))
    if in_a_row >= FAILURES_IN_A_ROW:
        return f"The last {FAILURES_IN_A_ROW} calls failed."
    recent = [each for each in telling if each.age_s <= WINDOW_S]
    failed = sum(each.ending in UNHEALTHY for each in recent)
    if len(recent) >= FAILURES_IN_A_ROW and failed > MOST_FAILED_SHARE * len(recent):
        return f"{failed} of the {len(recent)} calls of the last {WINDOW_S:g} seconds failed."
    return None


def refused_alike(codes_newest_first: Sequence[str | None]) -> bool:
    """Whether the last calls were refused for one and the same reason (None: was not refused)."""
    newest = codes_newest_first[:REFUSALS_IN_A_ROW]
    return len(newest) == REFUSALS_IN_A_ROW and newest[0] is not None and len(set(newest)) == 1


def too_much_unknown(charged_micro_usd: int, cap_micro_usd: int | None) -> bool:
    """Whether charges for calls of unknown outcome eat too much of the cap."""
    return cap_micro_usd is not None and charged_micro_usd > MOST_UNKNOWN_SHARE * cap_micro_usd
