"""Promises about workers that are killed, paused, asked to end, or whose clocks are off."""

import random
import signal
import time

from tests.faults.crew import Shape
from tests.faults.figures import Figures, measured
from tests.faults.followed import Followed
from tests.faults.harness import Harness
from tests.faults.promise import Size

BUSY_S = 60.0


def killed_workers(harness: Harness, size: Size) -> Figures:
    """Whoever is at work is killed, again and again: nothing accepted is lost, nothing is doubled,
    and no more is paid again than was under way."""
    harness.man(Shape(quick=size.quick))
    with harness.job() as job:
        held: list[int] = []
        for number in job.strikes(size.times, every_calls=size.every_calls):
            if name := busy(job, number):
                held.append(kill(job, name))
        job.finish(size.rows)
        figures = measured(
            job, faults=len(held), allowed_again=sum(held), also={"most_held": max(held)}
        )
        assert figures.faults == size.times, figures
        return figures


def paused_workers(harness: Harness, size: Size) -> Figures:
    """A worker that stands still past its lease, and wakes among those that took over its work,
    corrupts nothing; what it holds is used where it is still wanted, and charged."""
    crew = harness.man(Shape(quick=size.quick))
    with harness.job(teacher={"latency_s": 1.0}) as job:
        held: list[int] = []
        for number in job.strikes(size.times, every_calls=size.every_calls):
            if name := busy(job, number):
                held.append(freeze(job, name))
                time.sleep(size.down_s)
                crew.signal(name, signal.SIGCONT)
        job.finish(size.rows)
        late = job.number("SELECT count(*) FROM completions WHERE job_id = :job AND late")
        return measured(job, faults=len(held), allowed_again=sum(held), also={"late": late})


def drained_workers(harness: Harness, size: Size) -> Figures:
    """Workers that are asked to end let their calls come home, and the next go on: nothing is paid
    again."""
    crew = harness.man(Shape(quick=size.quick))
    with harness.job(teacher={"latency_s": 1.5}) as job:
        slowest_s, ended = 0.0, 0
        for number in job.strikes(size.times, every_calls=size.every_calls):
            if name := busy(job, number):
                pid = crew.signal(name, signal.SIGTERM)
                slowest_s = max(slowest_s, crew.wait_until_ended(name, pid, timeout_s=60))
                ended += 1
        status = job.finish(size.rows)
        unknown = job.number(
            "SELECT count(*) FROM ledger WHERE job_id = :job AND entry = 'charge_unknown'"
        )
        assert unknown == 0, (unknown, status["errors"], job.crew.logs())
        return measured(job, faults=ended, also={"slowest_end_s": round(slowest_s, 2)})


def skewed_clocks(harness: Harness, size: Size) -> Figures:
    """Clocks that are an hour early, an hour late, or jump, steal no lease and double nothing."""
    clocks = harness.home / "clock"
    clocks.write_text("+1h")
    harness.man(Shape(quick=size.quick, skews=("+1h", "-1h", str(clocks))))
    with harness.job() as job:
        jumps = 0
        for jumps in job.strikes(size.times, every_calls=size.every_calls):
            clocks.write_text(("-1h", "+0", "+1h")[jumps % 3])
        status = job.finish(size.rows)
        assert "worker_lost" not in status["errors"], status
        return measured(job, faults=2 + jumps)


def busy(job: Followed, seed: int) -> str | None:
    """A worker that has calls under way, by chance; None when the job stands before there is."""
    deadline_s = time.monotonic() + BUSY_S
    names = list(job.crew.shape.names)
    random.Random(seed).shuffle(names)
    while time.monotonic() < deadline_s and not job.stands():
        for name in names:
            pid = job.crew.pid(name)
            if pid is not None and job.held_by(pid):
                return name
        time.sleep(0.05)
    return None


def freeze(job: Followed, name: str) -> int:
    """Stop a process where it stands; returns how many calls it has under way."""
    return job.held_by(job.crew.signal(name, signal.SIGSTOP))


def kill(job: Followed, name: str) -> int:
    """Kill a process the hard way; returns how many calls it had under way."""
    held = freeze(job, name)
    job.crew.signal(name, signal.SIGKILL)
    return held
