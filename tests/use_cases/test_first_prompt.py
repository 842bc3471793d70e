"""What an estimate shows as the first prompt is what the job then sends first."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.runtime import Runtime
from app.use_cases import estimates, jobs
from app.use_cases.job_context import SeedCache, load
from app.use_cases.jobs import JobDetails
from app.use_cases.planning import plan
from tests.api.stored_job import stored_seed_set, stored_teacher
from tests.driving import add_seeds, running_runtime

PROPOSING = ("self_instruct", "alpaca", "instruction_wild", "magpie", "answer", "evol_instruct")


@pytest.fixture
def runtime(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    """A runtime without a broker."""
    with running_runtime(database_url, tmp_path / "home") as found:
        yield found


def test_it_is_the_first_call_of_the_job(runtime: Runtime) -> None:
    seed_set_id = add_seeds(runtime)
    teacher_id = stored_teacher(runtime, endpoint="completions")
    for method in PROPOSING:
        details = JobDetails(seed_set_id, teacher_id, 20, method=method, random_seed=11)
        told = estimates.of_job(runtime, details).first_prompt
        job = jobs.submit(runtime, details)
        plan(runtime, load(runtime, SeedCache(), job.id))
        with runtime.database.transaction() as connection:
            query = sa.text("SELECT prompt FROM slots WHERE job_id = :job ORDER BY number LIMIT 1")
            sent = connection.execute(query, {"job": job.id}).scalar()
        if sent is None:
            assert method == "answer", "it proposes its seeds without a call, and answers later"
            continue
        assert told is not None
        assert (sent["text"], sent["system"]) == (told.text, told.system), method


def test_very_many_seeds_are_not_read_for_it(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimates, "_MOST_SEEDS_DRAWN", 2)
    details = JobDetails(stored_seed_set(runtime), stored_teacher(runtime), 5)
    assert estimates.of_job(runtime, details).first_prompt is None
