"""Teachers over HTTP: a key goes in and never comes out."""

from collections.abc import Mapping
from typing import Any

from starlette.testclient import TestClient

from app.runtime import Runtime
from app.use_cases import teachers
from tests.api.stored_job import KEY
from tests.demo_teacher_process import start_demo_teacher

NEW: Mapping[str, Any] = {
    "name": "oak",
    "base_url": "https://teacher.example/v1/",
    "model": "oak-1",
    "api_key": KEY,
    "input_micro_usd_per_million": 150_000,
    "extra_body": {"seed": 1},
}


def add(client: TestClient, **changed: Any) -> Mapping[str, Any]:
    """The answer to a registration that must succeed."""
    answer = client.post("/v1/teachers", json={**NEW, **changed})
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/v1/teachers/{answer.json()['id']}"
    assert KEY not in answer.text
    return answer.json()


def test_a_teacher_is_shown_without_its_key(client: TestClient) -> None:
    added = add(client)
    answers = [client.get(f"/v1/teachers/{added['id']}"), client.get("/v1/teachers")]
    assert all(KEY not in answer.text and "sealed" not in answer.text for answer in answers)
    shown = answers[0].json()
    assert shown == answers[1].json()["items"][0]
    assert (shown["base_url"], shown["extra_body"]) == ("https://teacher.example/v1", {"seed": 1})
    assert (shown["has_key"], shown["key_last4"]) == (True, KEY[-4:])
    assert (shown["max_concurrency"], shown["endpoint"]) == (20, "chat")


def test_a_change_leaves_the_rest(client: TestClient, runtime: Runtime) -> None:
    added = add(client)
    path = f"/v1/teachers/{added['id']}"
    changed = client.patch(path, json={"model": "oak-2", "context_length": 4096}).json()
    assert changed["model"] == "oak-2"
    same = {name: value for name, value in added.items() if name != "created_at"}
    assert changed.items() >= {**same, "model": "oak-2", "context_length": 4096}.items()
    record = teachers.by_name(runtime, "oak")
    assert record is not None
    key = teachers.to_llm(runtime, record).api_key
    assert key is not None
    assert key.get_secret_value() == KEY
    assert client.patch(path, json={"context_length": None}).json()["context_length"] is None


def test_another_host_needs_the_key_again(client: TestClient) -> None:
    path = f"/v1/teachers/{add(client)['id']}"
    elsewhere = {"base_url": "https://other.example/v1"}
    refused = client.patch(path, json=elsewhere)
    assert (refused.status_code, refused.json()["code"]) == (409, "key_reentry_required")
    assert client.get(path).json()["base_url"] == "https://teacher.example/v1"
    without = client.patch(path, json={**elsewhere, "api_key": None})
    assert (without.status_code, without.json()["has_key"]) == (200, False)


def test_null_does_not_clear_what_must_be(client: TestClient) -> None:
    path = f"/v1/teachers/{add(client)['id']}"
    for name in ("name", "base_url", "model", "max_concurrency", "extra_body", "simulated"):
        refused = client.patch(path, json={name: None})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, f"/{name}")


def test_delete(client: TestClient) -> None:
    path = f"/v1/teachers/{add(client)['id']}"
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


def test_a_working_teacher_passes_its_test(client: TestClient) -> None:
    with start_demo_teacher() as demo:
        teacher_id = add(client, base_url=demo.base_url)["id"]
        answer = client.post(f"/v1/teachers/{teacher_id}/test")
    assert answer.status_code == 200, answer.text
    assert answer.json()["elapsed_s"] > 0
    assert KEY not in answer.text


def test_a_reply_that_cannot_be_text_is_no_accident(client: TestClient) -> None:
    with start_demo_teacher(faults={"surrogate": 1.0}) as demo:
        teacher_id = add(client, base_url=demo.base_url)["id"]
        answer = client.post(f"/v1/teachers/{teacher_id}/test")
    assert answer.status_code in {200, 422}


def test_a_refused_key_is_not_repeated(client: TestClient) -> None:
    with start_demo_teacher(api_key="another") as demo:
        teacher_id = add(client, base_url=demo.base_url)["id"]
        answer = client.post(f"/v1/teachers/{teacher_id}/test")
    assert (answer.status_code, answer.json()["stage"]) == (422, "auth")
    assert KEY not in answer.text
