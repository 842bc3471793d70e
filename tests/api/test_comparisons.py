"""Worth curves and comparisons over HTTP: asked for, followed, refused."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from starlette.testclient import TestClient

from app.runtime import Runtime
from app.use_cases import exports
from app.use_cases.comparison_runner import make
from app.use_cases.training_runner import train
from tests.api.conftest import connected_client
from tests.api.stored_job import stored_job, stored_teacher
from tests.llm.scripted_teacher import answers, completion, scripted_teacher
from tests.stand_in_trainer import stand_in
from tests.use_cases.test_worth import TRAINER

RUNS, COMPARISONS = "/v1/training-runs", "/v1/comparisons"
ANSWERS = """
for name, said in (("before", "owl"), ("after", "stork")):
    with open(os.path.join(folder, f"predictions-{name}.jsonl"), "w") as file:
        file.write(json.dumps({"id": "1", "prompt": "Name a bird.", "response": said}) + "\\n")
"""


@pytest.fixture
def ready(runtime: Runtime, tmp_path: Path) -> Runtime:
    python = stand_in(tmp_path, ANSWERS + TRAINER)
    settings = {"train_python": python, "base_models": str(tmp_path / "rose")}
    return replace(runtime, settings=runtime.settings.model_copy(update=settings))


@pytest.fixture
def client(ready: Runtime) -> Iterator[TestClient]:
    with connected_client(ready) as client:
        yield client


@pytest.fixture
def body(ready: Runtime) -> dict[str, Any]:
    job = stored_job(ready, row_count=10, target_rows=10).job
    export_id = exports.request(ready, job.id, "alpaca_jsonl").id
    exports.make(ready, export_id)
    return {"export_id": str(export_id), "base_model": "rose", "held_out": 0.3}


def id_of(answer: Any) -> UUID:
    assert answer.status_code == 202, answer.text
    return UUID(answer.json()["id"])


def test_a_worth_curve(client: TestClient, ready: Runtime, body: dict[str, Any]) -> None:
    worth = {"shares": [1, 0.5], "repeats": 1, "pool": False}
    answer = client.post(RUNS, json={**body, "worth": worth})
    run_id, where = id_of(answer), answer.headers["location"]
    assert answer.json()["worth"] == {**worth, "shares": [0.5, 1], "seeds": True}
    assert client.get(f"{where}/worth").status_code == 409
    train(ready, run_id)
    found = client.get(f"{where}/worth").json()
    assert found["runs"] == {"done": 2, "of": 2}
    assert client.get(where).json()["metrics"] == found
    picture = client.get(f"{where}/worth.svg")
    assert picture.headers["content-type"].startswith("image/svg+xml")
    assert picture.text.startswith("<svg ")
    names = [each["path"] for each in client.get(f"{where}/files").json()["items"]]
    assert names == ["worth.json", "worth.svg"]
    plainly = client.post(RUNS, json=body).headers["location"]
    assert client.get(f"{plainly}/worth").status_code == 404
    assert client.get(f"{RUNS}/{uuid4()}/worth.svg").status_code == 404


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"worth": {"shares": [0, 1]}}, "/worth/shares"),
        ({"worth": {"shares": []}}, "/worth/shares"),
        ({"worth": {"repeats": 0}}, "/worth/repeats"),
        ({"worth": {"colour": 1}}, "/worth/colour"),
        ({"worth": {}, "dry_run": True}, "/dry_run"),
    ],
)
def test_what_is_wrong_with_a_curve_is_named(
    client: TestClient, body: dict[str, Any], given: dict[str, Any], pointer: str
) -> None:
    answer = client.post(RUNS, json={**body, **given})
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


def test_a_comparison(client: TestClient, ready: Runtime, body: dict[str, Any]) -> None:
    run_id = id_of(client.post(RUNS, json=body))
    with scripted_teacher(answers(completion("Better: A"))) as teacher:
        teacher_id = str(stored_teacher(ready, name="judge", base_url=teacher.base_url))
        wish = {"run_id": str(run_id), "teacher_id": teacher_id, "cap_calls": 9}
        early = client.post(COMPARISONS, json=wish)
        assert (early.status_code, early.json()["code"]) == (409, "invalid_state")
        train(ready, run_id)
        answer = client.post(COMPARISONS, json=wish)
        where = answer.headers["location"]
        assert client.post(COMPARISONS, json=wish).status_code == 409
        assert client.post(f"{where}/stop").json()["state"] == "stopped"
        assert client.post(f"{where}/resume").json()["state"] == "queued"
        make(ready, id_of(answer))
    shown = client.get(where).json()
    assert (shown["state"], shown["done"], shown["total"]) == ("succeeded", 2, 2)
    assert shown["result"]["comparison"]["ties"] == 1
    assert client.get(COMPARISONS, params={"run_id": str(run_id)}).json()["items"] == [shown]
    assert client.get(COMPARISONS, params={"run_id": str(uuid4())}).json()["items"] == []
    assert client.delete(where).status_code == 204
    assert client.get(where).status_code == 404


def test_comparisons_of_nothing(client: TestClient, ready: Runtime) -> None:
    teacher_id = str(stored_teacher(ready))
    for run_id in ("x", str(uuid4())):
        answer = client.post(COMPARISONS, json={"run_id": run_id, "teacher_id": teacher_id})
        assert answer.status_code == 404, json.dumps(answer.json())
    for verb in ("stop", "resume"):
        assert client.post(f"{COMPARISONS}/{uuid4()}/{verb}").status_code == 404
    zero = {"run_id": str(uuid4()), "teacher_id": teacher_id, "cap_calls": 0}
    assert client.post(COMPARISONS, json=zero).status_code == 422
