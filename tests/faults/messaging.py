"""Promises about messages and sweeps: each message is a hint, and any worker finds the work."""

import hashlib
import time

import httpx
import sqlalchemy as sa

from app.embedded.ports import LOOPBACK
from tests.faults.crew import Shape
from tests.faults.figures import Figures, measured
from tests.faults.followed import Followed
from tests.faults.harness import Harness
from tests.faults.killing import busy, kill
from tests.faults.promise import Size

STRICT = {"order": "strict"}
SWEEP_COUNTS_S = 60


def doubled_messages(harness: Harness, size: Size) -> Figures:
    """Every message comes five times, some of them late: the rows are those of a quiet run, and
    the teacher gets no call more."""
    found: list[tuple[str, int, Figures]] = []
    for plug in (None, "five_times"):
        harness.man(Shape(quick=size.quick, plug=plug))
        with harness.job(target_rows=size.rows, options=STRICT, teacher={"seed": 5}) as job:
            status = job.wait()
            assert status["reason"] == "target_reached", status
            figures = measured(job, faults=0 if plug is None else 5)
            found.append((_digest_of_export(job), len(job.bill().arrivals), figures))
    (quiet_rows, quiet_calls, _), (rows, calls, figures) = found
    assert (rows, calls) == (quiet_rows, quiet_calls)
    return figures


def dropped_messages(harness: Harness, size: Size) -> Figures:
    """No message ever comes: the sweep alone brings the job to its end."""
    harness.man(Shape(quick=size.quick, plug="dropped"))
    with harness.job() as job:
        job.wait_for_calls(size.every_calls)
        job.finish(size.rows)
        return measured(job, faults=1)


def lone_sweeper(harness: Harness, size: Size) -> Figures:
    """With one worker left and no sweeper, that one recovers everything, and nobody sweeping is
    seen from outside."""
    harness.man(Shape(generators=1, quick=size.quick))
    with harness.job() as job:
        held = _kill_now_and_then(job, size)
        job.finish(size.rows)
        _assert_silence_is_seen(harness)
        return measured(job, faults=len(held), allowed_again=sum(held))


def five_sweepers(harness: Harness, size: Size) -> Figures:
    """Five sweepers beside the workers, which sweep too, have no further effect."""
    harness.man(Shape(sweepers=5, quick=size.quick))
    with harness.job() as job:
        held = _kill_now_and_then(job, size)
        job.finish(size.rows)
        return measured(job, faults=len(held), allowed_again=sum(held))


def _kill_now_and_then(job: Followed, size: Size) -> list[int]:
    held: list[int] = []
    for number in job.strikes(size.times, every_calls=size.every_calls):
        if name := busy(job, number):
            held.append(kill(job, name))
    return held


def _digest_of_export(job: Followed) -> str:
    export, content = job.client.export(job.id, "self_instruct_triples")
    digest = hashlib.sha256(content).hexdigest()
    assert export["sha256"] == digest
    assert export["row_count"] == len(content.splitlines()) == job.body["target_rows"]
    return digest


def _assert_silence_is_seen(harness: Harness) -> None:
    """Without a sweep for a minute (which is written, not waited for) the service is not ready."""
    assert harness.crew is not None
    harness.crew.freeze_workers()
    with harness.runtime.database.transaction() as connection:
        aged = "UPDATE sweeps SET ran_at = ran_at - make_interval(secs => :age)"
        connection.execute(sa.text(aged), {"age": SWEEP_COUNTS_S})
    time.sleep(0.1)
    answer = httpx.get(f"http://{LOOPBACK}:{harness.port}/readyz")
    assert (answer.status_code, answer.json()["swept"]) == (503, False), answer.text
    harness.crew.stop()
    harness.crew = None
