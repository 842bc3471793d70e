"""The promise about poison: a call that kills whoever makes it is set aside, and it alone."""

from tests.faults.crew import Shape
from tests.faults.deadly import is_deadly
from tests.faults.figures import Figures, measured
from tests.faults.followed import Followed
from tests.faults.harness import Harness
from tests.faults.promise import Size

MOST_ATTEMPTS = 3
_TEXTS = """
    SELECT slots.id, state, attempt, prompt ->> 'text' FROM slots WHERE job_id = :job"""


def deadly_prompts(harness: Harness, size: Size) -> Figures:
    """Some prompts kill the worker that has them answered: each is quarantined after at most three
    attempts, its neighbours never, and the job reaches its end."""
    share = size.down_s
    harness.man(Shape(quick=size.quick, plug=f"deadly_prompt={share}"))
    with harness.job() as job:
        job.wait_until(lambda: len(_quarantined(job)) >= size.times, timeout_s=300)
        job.finish(size.rows)
        slots = job.query(_TEXTS)
        deadly = {row[0]: row for row in slots if is_deadly(row[3], share)}
        assert _quarantined(job) <= deadly.keys()
        assert all(row[2] <= MOST_ATTEMPTS for row in deadly.values()), deadly
        assert all(row[1] in {"quarantined", "failed", "ready"} for row in deadly.values())
        arrived = job.bill().attempts()
        lost = job.number(_LOST)
        return measured(
            job,
            faults=sum(arrived[str(slot)] for slot in deadly),
            allowed_again=lost,
            also={"poisoned": len(deadly)},
        )


def deadly_replies(harness: Harness, size: Size) -> Figures:
    """Some replies kill the worker that parses them, after they were paid for and stored: they are
    quarantined, are not bought again, and the job reaches its end."""
    return _bad_replies(harness, size, f"deadly_reply={size.down_s}")


def endless_replies(harness: Harness, size: Size) -> Figures:
    """Some replies ask for more memory than there is when they are parsed."""
    return _bad_replies(harness, size, f"endless_memory={size.down_s}")


def looping_replies(harness: Harness, size: Size) -> Figures:
    """The parsing of some replies never ends: the worker does, and they are quarantined."""
    return _bad_replies(harness, size, f"endless_loop={size.down_s}")


_LOST = "SELECT count(*) FROM ledger WHERE job_id = :job AND entry = 'charge_unknown'"


def _bad_replies(harness: Harness, size: Size, plug: str) -> Figures:
    harness.man(Shape(quick=size.quick, plug=plug))
    with harness.job() as job:
        job.wait_until(lambda: len(_quarantined(job)) >= size.times, timeout_s=300)
        job.finish(size.rows)
        quarantined = len(_quarantined(job))
        return measured(job, faults=quarantined, allowed_again=job.number(_LOST))


def _quarantined(job: Followed) -> set[object]:
    query = "SELECT id FROM slots WHERE job_id = :job AND state = 'quarantined'"
    return {row[0] for row in job.query(query)}
