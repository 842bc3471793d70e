"""Promises about Redis and Postgres that forget, die, stay away, or do not say what they did."""

import time

import httpx

from tests.faults.crew import Shape
from tests.faults.figures import Figures, measured
from tests.faults.followed import Followed
from tests.faults.harness import Harness
from tests.faults.promise import Size

SUBMITTED_WITHIN_S = 10.0  # the goal is 1 s, on a machine that does nothing else


def flushed_redis(harness: Harness, size: Size) -> Figures:
    """Redis forgets all, again and again: calls go on, nothing is lost, doubled or paid again."""
    harness.man(Shape(quick=size.quick))
    with harness.job() as job:
        mended_at_s: list[float] = []
        for _ in job.strikes(size.times, every_calls=size.every_calls):
            harness.flush_redis()
            mended_at_s.append(time.time())
        return _reached(job, size, mended_at_s)


def killed_redis(harness: Harness, size: Size) -> Figures:
    """Redis dies and comes back empty: what was under way is stored, and work goes on."""
    harness.man(Shape(quick=size.quick))
    with harness.job() as job:
        mended_at_s: list[float] = []
        for _ in job.strikes(size.times, every_calls=size.every_calls):
            harness.kill_redis()
            harness.start_redis()
            mended_at_s.append(time.time())
        return _reached(job, size, mended_at_s)


def absent_redis(harness: Harness, size: Size) -> Figures:
    """Redis is away for long: jobs are taken at once, calls under way are stored, and all of it
    goes on when Redis is back."""
    harness.man(Shape(quick=size.quick))
    with harness.job() as job:
        mended_at_s: list[float] = []
        slowest_s = 0.0
        for _ in job.strikes(size.times, every_calls=size.every_calls):
            harness.kill_redis()
            until_s = time.monotonic() + size.down_s
            slowest_s = max(slowest_s, _submit_another(harness, job))
            time.sleep(max(0.0, until_s - time.monotonic()))
            harness.start_redis()
            mended_at_s.append(time.time())
        assert slowest_s < SUBMITTED_WITHIN_S
        return _reached(job, size, mended_at_s, slowest_submission_s=round(slowest_s, 2))


def crashed_postgres(harness: Harness, size: Size) -> Figures:
    """Postgres crashes, and stays away for longer than a lease: replies are held until they can be
    stored, so nothing is paid again, and the API says 503 and when to come back, never 500."""
    harness.man(Shape(quick=size.quick))
    with harness.job() as job:
        mended_at_s: list[float] = []
        refusals: list[httpx.Response] = []
        for number in job.strikes(size.times, every_calls=size.every_calls):
            harness.crash_postgres()
            refusals.append(harness.client.ask("GET", "/v1/jobs"))
            time.sleep(size.down_s if number == 0 else 0)
            harness.start_postgres()
            mended_at_s.append(time.time())
        told = {(each.status_code, "retry-after" in each.headers) for each in refusals}
        assert told == {(503, True)}, told
        return _reached(job, size, mended_at_s)


def hidden_commits(harness: Harness, size: Size) -> Figures:
    """COMMITs go through and their workers never hear of it: neither rows nor money are doubled."""
    harness.man(Shape(quick=size.quick, doubtful=True))
    harness.proxy.hide(share=0.1, most=size.times)
    with harness.job() as job:
        job.wait_until(lambda: harness.proxy.hidden >= size.times)
        job.finish(size.rows)
        figures = measured(job, faults=harness.proxy.hidden)
        assert figures.faults == size.times, figures
        return figures


def _reached(
    job: Followed, size: Size, mended_at_s: list[float], slowest_submission_s: float = 0.0
) -> Figures:
    job.finish(size.rows)
    assert mended_at_s
    also = {"slowest_submission_s": slowest_submission_s} if slowest_submission_s else {}
    return measured(job, faults=len(mended_at_s), mended_at_s=mended_at_s, also=also)


def _submit_another(harness: Harness, job: Followed) -> float:
    """Submit a job like this one, and cancel it; returns how long the first took."""
    started_s = time.monotonic()
    answer = harness.client.ask("POST", "/v1/jobs", json=dict(job.body))
    took_s = time.monotonic() - started_s
    assert answer.status_code == 201, answer.text
    harness.client.call("POST", f"/v1/jobs/{answer.json()['id']}/cancel")
    return took_s
