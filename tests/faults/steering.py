"""Promises to those who steer: cancel, pause, resume, and a budget that holds whatever happens."""

import random
import time

from tests import invariants
from tests.faults.crew import Shape
from tests.faults.figures import Figures, measured
from tests.faults.harness import Harness
from tests.faults.killing import busy, kill
from tests.faults.promise import Size

_CLAIMED_AFTER = """
    SELECT count(*) FROM ledger WHERE job_id = :job AND entry = 'reserve' AND at > (
        SELECT min(at) FROM job_events WHERE job_id = :job AND to_state = :state)"""
ARRIVED_WITHIN_S = 10.0  # the goal is 1 s, on a machine that does nothing else


def cancelled_jobs(harness: Harness, size: Size) -> Figures:
    """Jobs are cancelled at random moments, one of them while a worker is killed: nothing is
    claimed any more, calls under way come home, and each job ends."""
    harness.man(Shape(quick=size.quick))
    found: list[Figures] = []
    slowest_s = latest_s = 0.0
    for number in range(size.times):
        with harness.job() as job:
            job.wait_for_calls(random.Random(number).randint(1, 4 * size.every_calls))
            job.look()
            held = 0
            name = busy(job, number) if number == 0 else None
            if name is not None:
                held = kill(job, name)
            job.do("cancel")
            cancelled_at_s = time.time()
            job.wait_for_state("cancelled", timeout_s=90)
            slowest_s = max(slowest_s, time.time() - cancelled_at_s)
            assert job.number(_CLAIMED_AFTER, state="cancelling") == 0
            arrivals = [each.at_s - cancelled_at_s for each in job.bill().arrivals]
            latest_s = max([latest_s, *arrivals])
            assert latest_s < ARRIVED_WITHIN_S
            found.append(measured(job, faults=1, allowed_again=held, one_of_many=True))
    invariants.check(harness.runtime)
    return _total(found, slowest_end_s=round(slowest_s, 2), latest_call_s=round(latest_s, 3))


def paused_jobs(harness: Harness, size: Size) -> Figures:
    """A job is paused and resumed over and over: that costs no call, and it ends with exactly what
    was missing."""
    harness.man(Shape(quick=size.quick))
    with harness.job() as job:
        cycles = 0
        for _ in job.strikes(size.times, every_calls=size.every_calls):
            if job.client.ask("POST", f"/v1/jobs/{job.id}/pause").status_code == 200:
                time.sleep(size.down_s)
                job.do("resume")
                cycles += 1
        job.finish(size.rows)
        assert len(job.bill().arrivals) == len(job.bill().attempts())
        return measured(job, faults=cycles)


def kept_budget(harness: Harness, size: Size) -> Figures:
    """Workers race for the last of a budget and are killed: what the teacher asks for and what the
    ledger says stay under the cap at every moment."""
    harness.man(Shape(quick=size.quick))
    cap = 60 * size.rows
    with harness.job(cap_micro_usd=cap) as job:
        held: list[int] = []
        for number in job.strikes(size.times, every_calls=size.every_calls):
            if name := busy(job, number):
                held.append(kill(job, name))
        status = job.wait()
        assert status["reason"] == "budget_exhausted", status
        bill = _billed(job.teacher.stats())
        assert bill <= cap, (bill, cap)
        assert status["money"]["spent_micro_usd"] <= cap
        return measured(
            job,
            faults=len(held),
            allowed_again=sum(held),
            also={
                "cap_micro_usd": cap,
                "spent_micro_usd": status["money"]["spent_micro_usd"],
                "billed_micro_usd": bill,
            },
        )


def smallest_budget(harness: Harness, size: Size) -> Figures:
    """A budget of one micro-dollar ends the job before its first call."""
    harness.man(Shape(quick=size.quick))
    with harness.job(cap_micro_usd=1) as job:
        status = job.wait()
        assert status["reason"] == "budget_exhausted", status
        assert job.bill().arrivals == ()
        return measured(job, faults=0)


def _billed(stats: dict[str, int]) -> int:
    """What the teacher asks for all that it ever answered, at the prices it was registered with."""
    return (stats["prompt_tokens"] * 150_000 + stats["completion_tokens"] * 600_000) // 10**6


def _total(found: list[Figures], **also: float) -> Figures:
    return Figures(
        faults=sum(each.faults for each in found),
        calls=sum(each.calls for each in found),
        rows=sum(each.rows for each in found),
        lost=sum(each.lost for each in found),
        duplicated=sum(each.duplicated for each in found),
        paid_again=sum(each.paid_again for each in found),
        allowed_again=sum(each.allowed_again for each in found),
        also=also,
    )
