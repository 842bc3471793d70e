"""Sets of documents over HTTP: made, filled, read, emptied, and refused by line and page."""

from collections.abc import Mapping
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.runtime import Runtime
from app.use_cases import jobs
from tests.driving import add_teacher
from tests.sandbox.pdf_files import pdf

SETS = "/v1/document-sets"
MARKDOWN = {"content-type": "text/markdown; charset=utf-8"}
PDF = {"content-type": "application/pdf"}
TEA = b"# Tea\n\n" + b"Green tea wants eighty degrees. " * 20


@pytest.fixture
def address(client: TestClient) -> str:
    """A set that is empty."""
    made = client.post(SETS, json={"name": "kitchen", "licence": "CC0"})
    assert made.status_code == 201, made.text
    assert {"kind": "documents", "row_count": 0, "licence": "CC0"}.items() <= made.json().items()
    return made.headers["location"]


def upload(
    client: TestClient, address: str, name: str, body: bytes, headers: Mapping[str, str]
) -> Any:
    return client.post(
        f"{address}/documents?name={name}&chunk_characters=300", content=body, headers=headers
    )


def test_there_and_back(client: TestClient, address: str) -> None:
    added = upload(client, address, "tea.md", TEA, MARKDOWN)
    assert added.status_code == 201, added.text
    assert {"created": True, "chunk_count": 3, "pages": None}.items() <= added.json().items()
    again = upload(client, address, "tea.md", TEA, MARKDOWN)
    assert (again.status_code, again.json()["created"]) == (200, False)
    scanned = upload(client, address, "brew.pdf", pdf(["Black tea.", ""]), PDF).json()
    assert [(each["code"], each["page"]) for each in scanned["problems"]] == [("no_text", 2)]

    assert client.get(address).json()["row_count"] == 4
    assert [each["name"] for each in client.get(SETS).json()["items"]] == ["kitchen"]
    listed = client.get(f"{address}/documents?limit=1").json()
    assert listed["items"][0]["name"] == "tea.md"
    rest = client.get(f"{address}/documents?cursor={listed['next']}").json()
    assert [each["name"] for each in rest["items"]] == ["brew.pdf"]
    chunks = client.get(f"{address}/chunks").json()["items"]
    assert chunks[0]["heading"] == "Tea"
    assert chunks[-1] | {"id": "", "position": 0} == {
        "id": "",
        "position": 0,
        "document": "brew.pdf",
        "chunk": "brew.pdf#1",
        "place": "page 1; characters 0-10",
        "heading": None,
        "pages": "1",
        "characters": "0-10",
        "text": "Black tea.",
    }
    as_seeds = client.get(f"{address.replace('document', 'seed')}/seeds").json()["items"]
    assert as_seeds[-1]["facts"]["chunk"] == "brew.pdf#1"

    assert client.delete(f"{address}/documents/{scanned['id']}").status_code == 204
    assert client.get(address).json()["row_count"] == 3
    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == 404


def test_a_request_that_comes_twice_makes_one_set(client: TestClient) -> None:
    key = {"Idempotency-Key": "kitchen-1"}
    made = [client.post(SETS, json={"name": "kitchen"}, headers=key) for _ in range(2)]
    assert made[0].json() == made[1].json()
    assert made[1].headers["idempotent-replayed"] == "true"
    assert len(client.get(SETS).json()["items"]) == 1


def test_a_set_that_a_job_uses_is_closed(
    client: TestClient, runtime: Runtime, address: str
) -> None:
    upload(client, address, "tea.md", TEA, MARKDOWN)
    body = {"seed_set_id": client.get(address).json()["id"], "target_rows": 5, "method": "grounded"}
    teacher = add_teacher(runtime, "http://127.0.0.1:9/v1")
    answer = client.post("/v1/jobs", json={**body, "teacher_id": str(teacher.id)})
    assert answer.status_code == 201, answer.text
    assert len(jobs.page(runtime).items) == 1
    assert upload(client, address, "b.md", b"# B", MARKDOWN).json()["code"] == "in_use"
    assert client.delete(address).status_code == 409


def test_a_method_tells_what_it_takes(client: TestClient) -> None:
    takes = {each["name"]: each["takes"] for each in client.get("/v1/methods").json()["items"]}
    assert takes["grounded"] == "documents"
    assert takes["self_instruct"] == "tasks"
