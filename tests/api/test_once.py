"""A request that comes twice creates once, however close the two are."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from app.db.tables import idempotency_keys
from app.main import build_app
from app.runtime import Runtime
from app.use_cases.sweep import sweep
from tests.api.stored_job import stored_seed_set, stored_teacher
from tests.api.wire import served
from tests.entry import WITH_TOKEN

KEY = {"Idempotency-Key": "order-7"}
TEACHER = {"name": "one", "base_url": "https://teacher.example/v1", "model": "m"}


@pytest.fixture
def job(runtime: Runtime) -> Mapping[str, Any]:
    """The body of a job."""
    ids = {"seed_set_id": stored_seed_set(runtime), "teacher_id": stored_teacher(runtime)}
    return {name: str(each) for name, each in ids.items()} | {"target_rows": 20}


def count(client: TestClient, address: str) -> int:
    return len(client.get(address).json()["items"])


def test_a_repeated_job_is_the_same_job(client: TestClient, job: Mapping[str, Any]) -> None:
    first = client.post("/v1/jobs", json=job, headers=KEY)
    again = client.post("/v1/jobs", json=dict(sorted(job.items())), headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert again.json() == first.json()
    assert count(client, "/v1/jobs") == 1
    other = client.post("/v1/jobs", json=job, headers={"Idempotency-Key": "order-8"})
    assert other.json()["id"] != first.json()["id"]
    assert client.post("/v1/jobs", json=job).json()["id"] != first.json()["id"]


def test_teachers_and_exports_too(client: TestClient, job: Mapping[str, Any]) -> None:
    made = [client.post("/v1/teachers", json=TEACHER, headers=KEY) for _ in range(2)]
    assert {each.status_code for each in made} == {201}
    assert made[0].json() == made[1].json()
    job_id = client.post("/v1/jobs", json=job, headers=KEY).json()["id"]
    export = {"job_id": job_id, "format": "alpaca"}
    asked = [client.post("/v1/exports", json=export, headers=KEY).json() for _ in range(2)]
    assert asked[0]["id"] == asked[1]["id"]
    assert count(client, "/v1/exports") == 1


def test_equal_requests_at_once_make_one_job(client: TestClient, job: Mapping[str, Any]) -> None:
    def post(_: int) -> tuple[int, str, bool]:
        answer = client.post("/v1/jobs", json=job, headers=KEY)
        replayed = "idempotent-replayed" in answer.headers
        return answer.status_code, answer.json()["id"], replayed

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(post, range(100)))
    assert {(status, job_id) for status, job_id, _ in found} == {(201, found[0][1])}
    assert sum(not replayed for *_, replayed in found) == 1
    assert count(client, "/v1/jobs") == 1


def test_another_body_under_the_key_is_refused(client: TestClient, job: Mapping[str, Any]) -> None:
    client.post("/v1/jobs", json=job, headers=KEY)
    answer = client.post("/v1/jobs", json={**job, "target_rows": 21}, headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert count(client, "/v1/jobs") == 1


def test_a_refused_request_leaves_its_key_free(client: TestClient, job: Mapping[str, Any]) -> None:
    assert client.post("/v1/jobs", json={**job, "target_rows": 0}, headers=KEY).status_code == 422
    assert client.post("/v1/jobs", json=job, headers=KEY).status_code == 201


@pytest.mark.parametrize("key", ["", "k" * 256, "tab\there"])
def test_a_key_that_is_none(client: TestClient, job: Mapping[str, Any], key: str) -> None:
    answer = client.post("/v1/jobs", json=job, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_invalid")
    assert count(client, "/v1/jobs") == 0


def test_keys_are_forgotten_after_a_week(
    client: TestClient, runtime: Runtime, job: Mapping[str, Any]
) -> None:
    client.post("/v1/jobs", json=job, headers=KEY)
    age = idempotency_keys.c.created_at - sa.text("interval '8 days'")
    with runtime.database.transaction() as connection:
        connection.execute(idempotency_keys.update().values(created_at=age))
    sweep(runtime)
    assert "idempotent-replayed" not in client.post("/v1/jobs", json=job, headers=KEY).headers
    assert count(client, "/v1/jobs") == 2


@pytest.mark.long
def test_23_a_thousand_equal_requests_at_once_make_one_job(
    runtime: Runtime, job: Mapping[str, Any]
) -> None:
    async def ask(port: int) -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=None)
        url = f"http://127.0.0.1:{port}/v1/jobs"
        async with httpx.AsyncClient(limits=limits, timeout=100) as asker:
            asked = (
                asker.post(url, json=dict(job), headers=KEY | WITH_TOKEN) for _ in range(1_000)
            )
            return await asyncio.gather(*asked)

    with served(build_app(runtime)) as port:
        answers = asyncio.run(ask(port))
    assert {each.status_code for each in answers} == {201}
    assert len({each.json()["id"] for each in answers}) == 1
    assert sum("idempotent-replayed" not in each.headers for each in answers) == 1
