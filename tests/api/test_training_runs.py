"""Training runs over HTTP: asked for, followed, stopped, downloaded, refused."""

import io
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from starlette.testclient import TestClient

from app.domain.tuning import TUNING_METHODS
from app.runtime import Runtime
from app.use_cases import exports
from app.use_cases.training_runner import train
from tests.api.conftest import connected_client
from tests.api.stored_job import stored_job
from tests.stand_in_trainer import stand_in

RUNS = "/v1/training-runs"


@pytest.fixture
def trained(runtime: Runtime, tmp_path: Path) -> Runtime:
    """A runtime with a base model and a trainer that is done at once."""
    python = stand_in(tmp_path, "tell(phase='train', step=2, max_steps=2); leave(steps=2)")
    settings = {"train_python": python, "base_models": str(tmp_path / "rose")}
    return replace(runtime, settings=runtime.settings.model_copy(update=settings))


@pytest.fixture
def client(trained: Runtime) -> Iterator[TestClient]:
    with connected_client(trained) as client:
        yield client


@pytest.fixture
def export_id(trained: Runtime) -> str:
    export_id = exports.request(trained, stored_job(trained).job.id, "alpaca_jsonl").id
    exports.make(trained, export_id)
    return str(export_id)


def asked(client: TestClient, export_id: str, **more: Any) -> Any:
    body = {"export_id": export_id, "base_model": "rose", **more}
    return client.post(RUNS, json=body)


def test_asked_for_trained_and_downloaded(
    client: TestClient, trained: Runtime, export_id: str
) -> None:
    answer = asked(client, export_id, method="ia3", settings={"epochs": 2})
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    where = answer.headers["location"]
    assert client.get(f"{where}/download").status_code == 409
    train(trained, UUID(answer.json()["id"]))
    shown = client.get(where).json()
    assert (shown["state"], shown["metrics"], shown["phase"]) == (
        "succeeded",
        {"steps": 2},
        "train",
    )
    assert client.get(RUNS).json()["items"] == [shown]
    content = client.get(shown["download"]).content
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert {"adapter/weights", "metrics.json", "README.md"} <= set(archive.getnames())
    head = client.head(shown["download"])
    assert head.headers["content-length"] == str(shown["bytes"]) == str(len(content))
    assert client.delete(where).status_code == 204
    assert client.get(where).status_code == 404


def test_stopped_and_gone_on_with(client: TestClient, export_id: str) -> None:
    where = asked(client, export_id).headers["location"]
    assert client.post(f"{where}/resume").json()["code"] == "invalid_state"
    stopped = client.post(f"{where}/stop", json={"mode": "save"})
    assert (stopped.status_code, stopped.json()["state"]) == (200, "cancelled")
    assert client.post(f"{where}/stop", json={}).status_code == 409


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"base_model": "tulip"}, "/base_model"),
        ({"method": "lorra"}, "/method"),
        ({"settings": {"rnak": 1}}, "/settings/rnak"),
        ({"settings": {"seed": "x"}}, "/settings/seed"),
        ({"method": "prompt_tuning", "settings": {"packing": True}}, "/settings/packing"),
        ({"held_out": 2}, "/held_out"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_what_is_wrong_is_named(
    client: TestClient, export_id: str, given: dict[str, Any], pointer: str
) -> None:
    answer = asked(client, export_id, **given)
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
    assert client.get(RUNS).json()["items"] == []


def test_what_is_not_there(client: TestClient) -> None:
    for given in (str(uuid4()), "x"):
        assert asked(client, given).status_code == 404
        assert client.get(f"{RUNS}/{given}").status_code == 404
        assert client.post(f"{RUNS}/{given}/stop", json={}).status_code == 404
        assert client.post(f"{RUNS}/{given}/resume").status_code == 404
        assert client.delete(f"{RUNS}/{given}").status_code == 404


def test_only_counted(client: TestClient, trained: Runtime, export_id: str) -> None:
    answer = asked(client, export_id, dry_run=True)
    assert answer.json()["dry_run"] is True
    where = answer.headers["location"]
    train(trained, UUID(answer.json()["id"]))
    shown = client.get(where).json()
    assert (shown["state"], shown["metrics"], shown["download"]) == ("succeeded", None, None)
    assert client.get(f"{where}/download").status_code == 409


def test_the_course_and_the_files(client: TestClient, trained: Runtime, export_id: str) -> None:
    body = (
        "tell(step=1, loss=2.5); tell(step=2, loss=1.5); tell(step=2, held_out_loss=2.0); leave()"
    )
    python = stand_in(trained.settings.home, body, "with-losses.py")
    where = asked(client, export_id).headers["location"]
    assert client.get(f"{where}/losses").json() == {"points": []}
    assert client.get(f"{where}/files").status_code == 409
    settings = trained.settings.model_copy(update={"train_python": python})
    train(replace(trained, settings=settings), UUID(where.rpartition("/")[2]))
    assert client.get(f"{where}/losses").json()["points"] == [
        {"step": 1, "loss": 2.5, "held_out_loss": None},
        {"step": 2, "loss": 1.5, "held_out_loss": None},
        {"step": 2, "loss": None, "held_out_loss": 2.0},
    ]
    items = client.get(f"{where}/files").json()["items"]
    weights = next(each for each in items if each["path"] == "adapter/weights")
    found = client.get(weights["download"])
    assert (found.content, len(found.content)) == (b"w", weights["bytes"])
    assert client.get(f"{where}/files/adapter/../data.jsonl").status_code == 404
    assert client.get(f"{where}/files/data.jsonl").status_code == 404, "rows are not handed out"
    assert client.get(f"{RUNS}/{uuid4()}/losses").status_code == 404


def test_the_table_of_methods(client: TestClient) -> None:
    found = {each["name"]: each for each in client.get("/v1/tuning-methods").json()["items"]}
    assert len(found) == len(TUNING_METHODS)
    lora, soft = found["lora"], found["prompt_tuning"]
    assert lora["servable"] == {"transformers": True, "vllm": True, "merged": True}
    assert (soft["packing"], soft["own_settings"]) == (False, ["virtual_tokens"])
    named = [each["name"] for each in soft["settings"]]
    assert "virtual_tokens" in named
    assert not {"rank", "base_model", "method"} & set(named)
    assert set(soft["json_schema"]["properties"]) == set(named)
