"""From seeds to a model through the running service: rows grown, exported, trained on by the real
trainer behind its queue, followed on the dashboard, and downloaded."""

import io
import tarfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from app.embedded import programs
from tests.demo_teacher_process import RunningTeacher, start_demo_teacher
from tests.driving import SEEDS
from tests.end_to_end.fleet import Client, Fleet
from tests.real_trainer import TRAIN_PYTHON, make_tiny_base, needs_trainer

pytestmark = [pytest.mark.train, pytest.mark.slow, pytest.mark.timeout(300), needs_trainer]
SETTINGS = {"max_steps": 4, "rank": 4, "threads": 1, "max_length": 1024, "answer_tokens": 8}
ENDED = {"succeeded", "failed", "stopped", "cancelled"}


@pytest.fixture
def teacher() -> Iterator[RunningTeacher]:
    with start_demo_teacher(latency_s=0.01, seed=7) as running:
        yield running


@pytest.fixture
def client(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Client]:
    with Fleet(database_url, redis_url, tmp_path / "home") as fleet:
        base = make_tiny_base(tmp_path / "tiny-base")
        fleet.environment |= {
            "CULTIVAR_BASE_MODELS": str(base),
            "CULTIVAR_TRAIN_PYTHON": str(TRAIN_PYTHON),
        }
        fleet.start_workers()
        fleet.start(programs.worker("train", ["train"], concurrency=1))
        fleet.start_api()
        client = Client(fleet.api_url)
        yield client
        client.close()


def grown_export(client: Client, teacher: RunningTeacher) -> str:
    body = {
        "seed_set_id": client.add_seeds(SEEDS),
        "teacher_id": client.add_teacher(base_url=teacher.base_url),
        "method": "self_instruct",
        "target_rows": 12,
        "cap_calls": 500,
    }
    job = client.wait_for_job(client.call("POST", "/v1/jobs", json=body)["id"])
    assert (job["state"], job["reason"]) == ("succeeded", "target_reached"), job
    return str(client.export(job["id"], "chat_messages")[0]["id"])


def wait_for_run(client: Client, run_id: str) -> Mapping[str, Any]:
    deadline_s = time.monotonic() + 150
    while (run := client.call("GET", f"/v1/training-runs/{run_id}"))["state"] not in ENDED:
        assert time.monotonic() < deadline_s, run
        time.sleep(0.3)
    return run


def test_a_jobs_export_becomes_a_model_that_the_dashboard_shows(
    client: Client, teacher: RunningTeacher
) -> None:
    body = {
        "export_id": grown_export(client, teacher),
        "base_model": "tiny-base",
        "method": "lora",
        "settings": SETTINGS,
        "held_out": 0.3,
    }
    run = wait_for_run(client, client.call("POST", "/v1/training-runs", json=body)["id"])
    assert (run["state"], run["error"]) == ("succeeded", None)
    assert run["metrics"]["steps"] == run["progress"]["step"] == 4
    held_out = run["metrics"]["held_out"]
    assert held_out["after"] < held_out["before"]
    losses = client.call("GET", f"/v1/training-runs/{run['id']}/losses")["points"]
    assert [each["step"] for each in losses if each["loss"] is not None]

    page = client.ask("GET", f"/dashboard/training/{run['id']}")
    assert page.status_code == 200
    assert "succeeded" in page.text
    assert "<svg" in page.text, "the loss is drawn"
    assert f"{held_out['after']:.3f}" in page.text
    assert run["id"] in client.ask("GET", "/dashboard/training").text

    with tarfile.open(fileobj=io.BytesIO(client.download(run["download"]))) as archive:
        assert {"adapter/adapter_model.safetensors", "README.md"} <= set(archive.getnames())
        card = archive.extractfile("README.md")
        assert card is not None
        assert "TRAINED ON SIMULATED DATA" in card.read().decode()
