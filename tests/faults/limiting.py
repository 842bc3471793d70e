"""Promises about the teacher's wishes: when it asks to be left alone, the whole fleet does so."""

from email.utils import parsedate_to_datetime

from tests.faults.bill import Arrival
from tests.faults.crew import Shape
from tests.faults.figures import Figures, measured
from tests.faults.harness import Harness
from tests.faults.promise import Size

WAIT_S = 5.0
HEARD_WITHIN_S = 2.0  # the goal is 0.5 s, on a machine that does nothing else
ALONE = "this worker limits itself"
KINDS = ("429_seconds", "429_date", "429_reset", "429_junk")


def honoured_waits(harness: Harness, size: Size) -> Figures:
    """A teacher names a wait in seconds, by date, or by x-ratelimit-reset, or says what nobody can
    read: while a wait lasts no worker of the fleet sends a call."""
    harness.man(Shape(quick=size.quick))
    faults = dict.fromkeys(KINDS, size.down_s)
    told = {"faults": faults, "retry_after_s": WAIT_S, "latency_s": 0.1}
    with harness.job(teacher=told) as job:
        job.wait_until(lambda: len(_waits(job.bill().arrivals)) >= size.times)
        job.finish(size.rows)
        arrivals = job.bill().arrivals
        waits = _waits(arrivals)
        early = [
            each
            for since_s, until_s in waits
            for each in arrivals
            if since_s + HEARD_WITHIN_S < each.at_s < until_s
        ]
        # On a busy machine Redis may take too long for a worker, which then knows only what it is
        # told itself, and says so.
        alone = [name for name in job.crew.shape.names if ALONE in job.crew.log(name)]
        assert alone or not early, (early[:3], waits)
        return measured(
            job, faults=len(waits), also={"early": len(early), "workers_alone": len(alone)}
        )


def _waits(arrivals: tuple[Arrival, ...]) -> list[tuple[float, float]]:
    """From when until when the teacher asked to be left alone; not of those nobody can read."""
    found: list[tuple[float, float]] = []
    for each in arrivals:
        if each.outcome == "429_date" and each.retry_after is not None:
            until = parsedate_to_datetime(each.retry_after).timestamp()
            found.append((each.answered_at_s, until))
        elif each.outcome in {"429_seconds", "429_reset"}:
            found.append((each.answered_at_s, each.answered_at_s + WAIT_S))
    return found
