"""The promise about poison: a call that kills whoever makes it is set aside, and it alone."""

import json

from tests.faults.crew import Shape
from tests.faults.deadly import HARMS, harm_of, is_deadly
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


def bad_replies(harness: Harness, size: Size) -> Figures:
    """Some replies, paid for and stored, kill the worker that parses them, ask it for more memory
    than there is, or keep it for ever: so many of each are quarantined, none is bought again, and
    the job reaches its end."""
    harness.man(Shape(quick=size.quick, plug=f"bad_reply={size.down_s}"))
    with harness.job() as job:
        job.wait_until(lambda: min(_by_harm(job)) >= size.times, timeout_s=1200)
        job.finish(size.rows)
        quarantined = len(_quarantined(job))
        return measured(job, faults=quarantined, allowed_again=job.number(_LOST))


_LOST = "SELECT count(*) FROM ledger WHERE job_id = :job AND entry = 'charge_unknown'"
_RAW = """
    SELECT raw FROM completions JOIN slots ON slots.id = slot_id
    WHERE slots.job_id = :job AND slots.state = 'quarantined'"""


def _by_harm(job: Followed) -> list[int]:
    """How many replies of each kind of harm are quarantined."""
    texts = [json.loads(row[0])["choices"][0]["message"]["content"] for row in job.query(_RAW)]
    return [sum(harm_of(text) == harm for text in texts) for harm in range(HARMS)]


def _quarantined(job: Followed) -> set[object]:
    query = "SELECT id FROM slots WHERE job_id = :job AND state = 'quarantined'"
    return {row[0] for row in job.query(query)}
