"""Samples of how jobs go: as many as their curves need, and the rate they tell."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.dashboard.charts import MOST_POINTS, curves
from app.db import counts, samples
from app.db import jobs as job_queries
from app.db.counts import Tally
from app.domain.lifecycle import JobState
from app.domain.stored import Job
from app.runtime import Runtime
from app.use_cases import jobs, sampling, sights
from tests.api.stored_job import submitted_job
from tests.driving import running_runtime


@pytest.fixture
def runtime(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    """A runtime without a broker."""
    with running_runtime(database_url, tmp_path / "home") as found:
        yield found


def running_job(runtime: Runtime, *, age_s: float) -> Job:
    """A job that began to run so long ago."""
    job = submitted_job(runtime, target_rows=1000)
    with runtime.database.transaction() as connection:
        job_queries.move(connection, job.id, JobState.RUNNING)
        connection.execute(
            sa.text("UPDATE jobs SET started_at = started_at - make_interval(secs => :age)"),
            {"age": age_s},
        )
    return jobs.get(runtime, job.id)


def made(runtime: Runtime, job: Job, rows: int) -> None:
    """Count rows, and twice as many candidates of which half are novel."""
    tally = {
        ("row", "accepted"): rows,
        ("candidate", "novel"): rows,
        ("candidate", "duplicate"): rows,
    }
    with runtime.database.transaction() as connection:
        counts.add(connection, job.id, Tally({**tally, ("candidate", "proposed"): rows}))


def aged(runtime: Runtime, seconds: float) -> None:
    """Let all samples be so much older."""
    with runtime.database.transaction() as connection:
        statement = "UPDATE job_samples SET at = at - make_interval(secs => :age)"
        connection.execute(sa.text(statement), {"age": seconds})


def test_only_what_runs_is_sampled_and_not_too_often(runtime: Runtime) -> None:
    job = running_job(runtime, age_s=10)
    assert sampling.sample(runtime) == 1
    assert sampling.sample(runtime) == 0, "the last one is less than two seconds old"
    aged(runtime, 3)
    assert sampling.sample(runtime) == 1
    jobs.pause(runtime, job.id)
    aged(runtime, 3)
    assert sampling.sample(runtime) == 0


def test_old_jobs_are_sampled_seldom(runtime: Runtime) -> None:
    running_job(runtime, age_s=120 * 60)
    assert sampling.sample(runtime) == 1
    aged(runtime, 50)
    assert sampling.sample(runtime) == 0, "a hundred-and-twentieth of two hours is a minute"
    aged(runtime, 20)
    assert sampling.sample(runtime) == 1


def test_a_rate_is_that_of_the_last_minute(runtime: Runtime) -> None:
    job = running_job(runtime, age_s=600)
    made(runtime, job, 500)
    sampling.sample(runtime)
    aged(runtime, 90)
    made(runtime, job, 30)
    assert sights.of_job(runtime, job.id).rate == pytest.approx(20, rel=0.1)
    found = sights.of_jobs(runtime, state=None, cursor=None, limit=5)
    assert found.rates == {job.id: pytest.approx(20, rel=0.1)}


def test_curves_end_with_the_present(runtime: Runtime) -> None:
    job = running_job(runtime, age_s=60)
    for _ in range(3):
        made(runtime, job, 10)
        sampling.sample(runtime)
        aged(runtime, 10)
    sight = sights.of_job(runtime, job.id)
    rate, novelty, money = curves(sight.progress, sight.story)
    assert (rate.title, novelty.value, money.value) == ("rows a minute", "50 %", "$0.0000")
    assert "30" not in novelty.value
    assert rate.line.startswith("M")
    assert rate.line.count("L") == 3, "three samples and the present"
    assert "over 1 min" in rate.told


def test_many_samples_make_a_short_path(runtime: Runtime) -> None:
    job = running_job(runtime, age_s=5000)
    with runtime.database.transaction() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO job_samples SELECT :job, "
                "clock_timestamp() - make_interval(secs => n), 5000 - n, 5000, 4000, 1, 1, 1 "
                "FROM generate_series(1, 4900) AS n"
            ),
            {"job": job.id},
        )
        whole = samples.of_job(connection, job.id)
    assert whole[0].at < whole[-1].at - timedelta(seconds=4000)
    sight = sights.of_job(runtime, job.id)
    for curve in curves(sight.progress, sight.story):
        assert curve.line.count("L") <= MOST_POINTS + 1


def test_a_job_that_has_not_begun_has_no_curves(runtime: Runtime) -> None:
    sight = sights.of_job(runtime, submitted_job(runtime).id)
    assert curves(sight.progress, sight.story) == ()
    assert sight.rate is None
