"""A job at batch price over REST with real workers, one of them killed, up to the export."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests import invariants
from tests.demo_teacher_process import RunningTeacher, start_demo_teacher
from tests.driving import SEEDS, running_runtime
from tests.end_to_end.fleet import Client, Fleet

pytestmark = pytest.mark.slow
INPUT, OUTPUT = 75_000, 300_000


@pytest.fixture
def teacher() -> Iterator[RunningTeacher]:
    with start_demo_teacher(latency_s=0, seed=7, batch_delay_s=1.5) as running:
        yield running


@pytest.fixture
def fleet(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Fleet]:
    with Fleet(database_url, redis_url, tmp_path / "home") as fleet:
        fleet.environment["CULTIVAR_BATCH_POLL_S"] = "0.2"
        fleet.start_workers()
        fleet.start_api()
        yield fleet


def submit(client: Client, teacher: RunningTeacher) -> str:
    seed_set_id = client.add_seeds(SEEDS)
    teacher_id = client.add_teacher(
        base_url=teacher.base_url,
        batch_input_micro_usd_per_million=INPUT,
        batch_output_micro_usd_per_million=OUTPUT,
    )
    job = {
        "seed_set_id": seed_set_id,
        "teacher_id": teacher_id,
        "target_rows": 10,
        "delivery": "batch",
        "cap_micro_usd": 200_000,
    }
    return str(client.call("POST", "/v1/jobs", json=job)["id"])


def wait_for_batch(client: Client, job_id: str, state: str) -> Mapping[str, Any]:
    deadline_s = time.monotonic() + 60
    while True:
        found = client.call("GET", f"/v1/jobs/{job_id}/batches")["items"]
        if found and found[0]["state"] == state:
            return found[0]
        assert time.monotonic() < deadline_s, found
        time.sleep(0.05)


def test_a_batch_job_survives_a_killed_worker_and_is_paid_once(
    fleet: Fleet, teacher: RunningTeacher, tmp_path: Path, database_url: str
) -> None:
    client = Client(fleet.api_url)
    job_id = submit(client, teacher)
    running = wait_for_batch(client, job_id, "running")
    assert running["provider_batch_id"].startswith("batch_")
    fleet.kill("generate")
    time.sleep(float(fleet.environment["CULTIVAR_LEASE_S"]))
    assert client.call("GET", f"/v1/jobs/{job_id}")["errors"] == {}, "the batch keeps its calls"
    fleet.restart("generate")
    job = client.wait_for_job(job_id)
    assert (job["state"], job["reason"], job["delivery"]) == (
        "succeeded",
        "target_reached",
        "batch",
    )
    export, content = client.export(job_id, "alpaca_jsonl")
    assert export["row_count"] == len(content.splitlines()) == 10
    stats = teacher.stats()
    true_cost = (stats["prompt_tokens"] * INPUT + stats["completion_tokens"] * OUTPUT) / 1e6
    spent = job["money"]["spent_micro_usd"]
    assert true_cost <= spent <= true_cost + stats["calls"]
    assert job["money"]["reserved_micro_usd"] == 0
    made = client.call("GET", f"/v1/jobs/{job_id}/batches")["items"]
    assert {each["state"] for each in made} == {"collected"}
    assert sum(each["requests"] for each in made) == stats["calls"]
    client.close()
    with running_runtime(database_url, tmp_path / "home") as runtime:
        invariants.check(runtime)
