"""Probes: a job that was paused for its teacher's sake asks one call a minute, and so comes back.

A probe is one of the job's own calls, with its reservation, its ledger and its reply like any
other. Postgres grants it, one a minute to each teacher, whoever of the fleet asks. The reply that
comes back resumes every job that rests for this teacher; a pause by a person is never undone.
"""

from collections.abc import Sequence
from uuid import UUID

from app.db import jobs, probes, slots
from app.db.engine import Connection
from app.domain.breaker import HEALTHY, PROBE_EVERY_S
from app.domain.lifecycle import JobReason, JobState
from app.domain.settlement import Ending
from app.domain.stored import Job
from app.runtime import Runtime


def may_probe(connection: Connection, job: Job) -> bool:
    """Whether this job, which is locked, may send one call although it is paused."""
    if not rests(job):
        return False
    if job.teacher_id is None:
        return False
    if not probes.take(connection, job.teacher_id, every_s=PROBE_EVERY_S):
        return False
    if slots.seconds_to_next(connection, job.id) is not None:
        return True
    # No call waits that could be the probe; the next ones that are planned will show.
    _resume(connection, job.id)
    return False


def rests(job: Job) -> bool:
    """Whether a job is paused because its teacher did not serve."""
    return job.state is JobState.PAUSED and job.reason == JobReason.TEACHER_UNHEALTHY


def due(connection: Connection) -> Sequence[UUID]:
    """Jobs that should probe now."""
    return probes.due(connection, every_s=PROBE_EVERY_S)


def probed(runtime: Runtime, teacher_id: UUID, ending: Ending) -> None:
    """A probe came back: if the teacher serves, all who waited for it go on."""
    if ending not in HEALTHY:
        return
    with runtime.database.transaction() as connection:
        resting = probes.resting(connection, teacher_id)
        for job_id in resting:
            _resume(connection, job_id)
    for job_id in resting:
        runtime.wake.generate(job_id)


def _resume(connection: Connection, job_id: UUID) -> None:
    reason = jobs.errand(connection, job_id)
    jobs.move(connection, job_id, JobState.RUNNING, reason=reason)
