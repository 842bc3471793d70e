"""How jobs go over time: take samples while they run, and tell their rate and their story."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from app.db import samples, watching
from app.domain.lifecycle import JobState
from app.domain.stored import JobProgress
from app.domain.watching import JobStory
from app.runtime import Runtime

SAMPLE_S = 2.0
RATE_WINDOW_S = 60.0
NEWEST_DROPS = 6


def sample(runtime: Runtime) -> int:
    """Note how each running job stands, as often as its curves need; returns how many."""
    with runtime.database.transaction() as connection:
        return samples.take(connection, least_s=SAMPLE_S)


def story(runtime: Runtime, progress: JobProgress) -> JobStory:
    """What happened in a job lately, and its samples up to now."""
    job = progress.job
    with runtime.database.transaction() as connection:
        taken = samples.of_job(connection, job.id)
        return JobStory(
            samples=taken,
            drops=watching.newest_drops(connection, job.id, NEWEST_DROPS) if progress.drops else (),
            troubles=watching.troubles(connection, job.id, list(progress.errors)),
            now=samples.now(connection),
        )


def rows_per_minute(runtime: Runtime, found: Sequence[JobProgress]) -> Mapping[UUID, float]:
    """Accepted rows a minute, over the last one, of the jobs that run."""
    running = [each for each in found if each.job.state is JobState.RUNNING]
    if not running:
        return {}
    ids = [each.job.id for each in running]
    with runtime.database.transaction() as connection:
        then = samples.before(connection, ids, window_s=RATE_WINDOW_S)
        now = samples.now(connection)
    rates: dict[UUID, float] = {}
    for each in running:
        job = each.job
        began = (now - job.started_at).total_seconds() if job.started_at else 0.0
        accepted, age_s = then.get(job.id, (0, began))
        if age_s > 0:
            rates[job.id] = max(0.0, 60.0 * (each.accepted_rows - accepted) / age_s)
    return rates
