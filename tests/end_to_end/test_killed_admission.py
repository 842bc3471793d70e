"""Admission killed in the middle of a job, again and again: nothing is lost, nothing slips in."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import invariants
from tests.demo_teacher_process import RunningTeacher, start_demo_teacher
from tests.driving import SEEDS, running_runtime
from tests.end_to_end.fleet import Client, Fleet

pytestmark = pytest.mark.slow
ADMITTER = "other"
RULES: dict[str, dict[str, Any]] = {
    "words": {},
    "meaning and whole rows": {"semantic_threshold": 0.7, "compare_inputs": True},
}


@pytest.fixture(scope="module")
def teacher() -> Iterator[RunningTeacher]:
    with start_demo_teacher(latency_s=0.05, seed=7) as running:
        yield running


@pytest.fixture
def fleet(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Fleet]:
    with Fleet(database_url, redis_url, tmp_path / "home") as fleet:
        fleet.start_workers()
        fleet.start_api()
        yield fleet


def submit(client: Client, teacher: RunningTeacher, options: dict[str, Any]) -> str:
    body = {
        "seed_set_id": client.add_seeds(SEEDS),
        "teacher_id": client.add_teacher(base_url=teacher.base_url, max_concurrency=4),
        "target_rows": 60,
        "options": options,
    }
    if "semantic_threshold" in options:
        body["embedder_id"] = client.add_teacher(
            name="embedder", base_url=teacher.base_url, endpoint="embeddings"
        )
    return str(client.call("POST", "/v1/jobs", json=body)["id"])


def wait_for_judged(client: Client, job_id: str, count: int) -> None:
    deadline_s = time.monotonic() + 60
    job: Any = None
    while time.monotonic() < deadline_s:
        job = client.call("GET", f"/v1/jobs/{job_id}")
        if job["candidates"].get("novel", 0) >= count or job["state"] != "running":
            return
        time.sleep(0.02)
    raise AssertionError(job)


@pytest.mark.parametrize("rules", RULES)
def test_a_killed_admit_worker_loses_nothing(
    fleet: Fleet, teacher: RunningTeacher, tmp_path: Path, database_url: str, rules: str
) -> None:
    client = Client(fleet.api_url)
    job_id = submit(client, teacher, RULES[rules])
    killed_while_running = 0
    for count in (1, 15, 30, 45):
        wait_for_judged(client, job_id, count)
        fleet.kill(ADMITTER)
        state = client.call("GET", f"/v1/jobs/{job_id}")["state"]
        killed_while_running += state in {"queued", "running"}
        fleet.restart(ADMITTER)
    job = client.wait_for_job(job_id)
    client.close()
    assert (job["state"], job["reason"]) == ("succeeded", "target_reached"), job
    assert killed_while_running >= 2
    assert job["rows"]["accepted"] >= 60
    assert job["money"]["reserved_micro_usd"] == 0
    with running_runtime(database_url, tmp_path / "home") as runtime:
        invariants.check(runtime)
