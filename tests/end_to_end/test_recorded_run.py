"""A published run played again through the whole service, with and without a killed worker."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import pytest

from tests import invariants
from tests.demo_teacher_process import RunningTeacher, start_demo_teacher
from tests.driving import running_runtime
from tests.end_to_end.fleet import Client, Fleet

SHARED = Path(__file__).parents[3] / "shared" / "data"
RECORDED = SHARED / "recorded" / "maulik2"
SEEDS = SHARED / "self_instruct" / "seed_tasks.jsonl"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not RECORDED.exists(), reason="the recorded runs are not here"),
]


@pytest.fixture
def teacher(tmp_path: Path) -> Iterator[RunningTeacher]:
    replay = {
        "propose": RECORDED / "instruction_replies.jsonl",
        "classify": RECORDED / "classification_replies.jsonl",
        "answer": RECORDED / "instance_replies.jsonl",
    }
    with start_demo_teacher(
        script="replay", replay=replay, latency_s=0.03, log=tmp_path / "arrivals.jsonl"
    ) as running:
        yield running


@pytest.fixture
def fleet(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Fleet]:
    with Fleet(database_url, redis_url, tmp_path / "home") as fleet:
        fleet.start_workers()
        fleet.start_api()
        yield fleet


def recorded_triples() -> set[tuple[str, str, str]]:
    lines = (RECORDED / "triples.jsonl").read_text().splitlines()
    return {tuple(json.loads(line).values()) for line in lines}


def submit(client: Client, teacher: RunningTeacher) -> str:
    seed_set_id = client.add_seeds(SEEDS)
    teacher_id = client.add_teacher(
        base_url=teacher.base_url, endpoint="completions", max_concurrency=1
    )
    job = client.call(
        "POST",
        "/v1/jobs",
        json={
            "seed_set_id": seed_set_id,
            "teacher_id": teacher_id,
            "method": "self_instruct",
            "profile": "paper",
            "target_rows": 78,
        },
    )
    return str(job["id"])


def arrivals(tmp_path: Path) -> list[str]:
    lines = (tmp_path / "arrivals.jsonl").read_text().splitlines()
    return [json.loads(line)["digest"] for line in lines]


def ends_as_recorded(client: Client, job_id: str, tmp_path: Path) -> None:
    job = client.wait_for_job(job_id)
    assert (job["state"], job["reason"]) == ("succeeded", "target_reached"), job
    export, content = client.export(job_id, "self_instruct_triples")
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    table: Any = datasets.load_dataset(
        "json", data_files=str(path), split="train", cache_dir=str(tmp_path / "cache")
    )
    found = {(row["instruction"], row["input"], row["output"]) for row in table}
    assert found == recorded_triples()
    assert export["row_count"] == len(table) == 78
    assert export["manifest"]["simulated"] is True


def test_the_service_gives_the_recorded_rows(
    fleet: Fleet, teacher: RunningTeacher, tmp_path: Path
) -> None:
    client = Client(fleet.api_url)
    ends_as_recorded(client, submit(client, teacher), tmp_path)
    client.close()


def test_a_killed_worker_changes_neither_rows_nor_calls(
    fleet: Fleet, teacher: RunningTeacher, tmp_path: Path, database_url: str
) -> None:
    client = Client(fleet.api_url)
    job_id = submit(client, teacher)
    kills = 0
    for calls in (20, 60, 100):
        _wait_for_calls(client, job_id, calls)
        fleet.kill("generate")
        kills += 1
        fleet.restart("generate")
    ends_as_recorded(client, job_id, tmp_path)
    seen = arrivals(tmp_path)
    in_flight_at_each_kill = 1
    assert len(seen) - len(set(seen)) <= kills * in_flight_at_each_kill
    client.close()
    with running_runtime(database_url, tmp_path / "home") as runtime:
        invariants.check(runtime)


def _wait_for_calls(client: Client, job_id: str, calls: int) -> None:
    deadline_s = time.monotonic() + 60
    job: Any = None
    while time.monotonic() < deadline_s:
        job = client.call("GET", f"/v1/jobs/{job_id}")
        if job["calls"]["accepted"] >= calls:
            return
        time.sleep(0.05)
    raise AssertionError(job)
