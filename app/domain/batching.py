"""When calls become a batch, how long to wait for one, and what one that brought nothing means."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.lifecycle import JobReason
from app.domain.settlement import UNHEALTHY, Ending

MOST_TRIES = 8
MOST_TIMES_MISSING = 3
LONGEST_WAIT = 20
_UNHEALTHY_LINES = 20
_REFUSED_LINES = 10


@dataclass(frozen=True, slots=True)
class Gathering:
    """What a job has to give, and what may still come: `due` says that no ready call waits."""

    ready: int
    due: bool
    unread: int
    candidates_waiting: int
    batches_live: int


def is_time(gathering: Gathering, most: int) -> bool:
    """Whether to make a batch now: it would be full, or nothing is coming that could join it.

    A batch takes hours, so calls wait for each other: a job goes from round to round.
    """
    if gathering.ready >= most:
        return True
    coming = gathering.unread or gathering.candidates_waiting or gathering.batches_live
    return bool(gathering.ready and gathering.due and not coming)


def wait_s(first_s: float, count: int) -> float:
    """Seconds before the next look, after `count` looks without news: doubled each time."""
    return first_s * min(2.0 ** min(count, LONGEST_WAIT), LONGEST_WAIT)


def pause_after(endings: Mapping[Ending, int]) -> JobReason | None:
    """Why the job should rest after a batch of which nothing could be used; None if it goes on."""
    if endings.get(Ending.ANSWERED, 0):
        return None
    if endings.get(Ending.REFUSED, 0) >= _REFUSED_LINES:
        return JobReason.TEACHER_REFUSED
    unhealthy = sum(endings.get(each, 0) for each in UNHEALTHY)
    return JobReason.TEACHER_UNHEALTHY if unhealthy >= _UNHEALTHY_LINES else None
