"""API keys over HTTP: shown once, good until they end, and held to their rates and quotas."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from app.db.access_tables import api_keys as table
from app.runtime import Runtime
from app.use_cases import api_keys
from app.use_cases.api_keys import KeyDetails
from app.use_cases.keyring import FRESH_S
from tests.api.conftest import connected_client
from tests.api.stored_job import stored_seed_set, stored_teacher

KEYS = "/v1/api-keys"


def bearer(key: str) -> dict[str, str]:
    """The header of a key."""
    return {"Authorization": f"Bearer {key}"}


def make(client: TestClient, **more: Any) -> Mapping[str, Any]:
    """A key that may do everything, or as told."""
    answer = client.post(KEYS, json={"name": "ci", "scopes": ["admin"], **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_from_its_making_to_its_end(runtime: Runtime) -> None:
    """Also: what is stored opens nothing, and a rotated key goes on for as long as it may."""
    clock = Clock()
    with connected_client(replace(runtime, monotonic_s=clock)) as client:
        made = make(client)
        assert made["key"].startswith(f"cvr_{made['prefix']}_")
        assert len(made["key"]) >= 55
        assert client.get("/v1/jobs", headers=bearer(made["key"])).status_code == 200
        shown = client.get(f"{KEYS}/{made['id']}").json()
        assert "key" not in shown
        assert shown["last_used_at"] is not None
        listed = client.get(KEYS).text
        secret = made["key"].rpartition("_")[2]
        assert secret not in listed
        _nothing_stored_opens(runtime, made["key"])
        rotated = client.post(f"{KEYS}/{made['id']}/rotate", json={"overlap_s": 3600}).json()
        assert rotated["scopes"] == ["admin"]
        clock.now_s += FRESH_S + 0.1
        for key in (made["key"], rotated["key"]):
            assert client.get("/v1/jobs", headers=bearer(key)).status_code == 200
        assert client.post(f"{KEYS}/{made['id']}/rotate").status_code == 409
        _age(runtime, made["prefix"], "revoked_at")
        clock.now_s += FRESH_S + 0.1
        assert client.get("/v1/jobs", headers=bearer(made["key"])).status_code == 401
        assert client.delete(f"{KEYS}/{rotated['id']}").json()["revoked_at"] is not None
        clock.now_s += FRESH_S + 0.1
        assert client.get("/v1/jobs", headers=bearer(rotated["key"])).status_code == 401
        dated = make(client, expires_in_days=1)
        assert client.get("/v1/jobs", headers=bearer(dated["key"])).status_code == 200
        _age(runtime, dated["prefix"], "expires_at")
        clock.now_s += FRESH_S + 0.1
        assert client.get("/v1/jobs", headers=bearer(dated["key"])).status_code == 401
        actions = [each["action"] for each in client.get("/v1/audit-log").json()["items"]]
        assert {"key.create", "key.rotate", "key.revoke", "auth.failed"} <= set(actions)
        assert secret not in client.get("/v1/audit-log").text


def _nothing_stored_opens(runtime: Runtime, key: str) -> None:
    """No column of no table holds the key or a plain hash of it."""
    with runtime.database.transaction() as connection:
        rows = connection.execute(sa.select(table)).all()
        texts = [str(tuple(row)) for row in rows]
        assert all(key not in text and key[-20:] not in text for text in texts)
        plain = connection.execute(sa.text("SELECT sha256(:key)"), {"key": key.encode()}).scalar()
        assert all(row.digest != plain for row in rows)


def _age(runtime: Runtime, prefix: str, column: str) -> None:
    """Let a moment that lies ahead be over."""
    past = {column: sa.text("clock_timestamp() - interval '1 second'")}
    with runtime.database.transaction() as connection:
        connection.execute(table.update().where(table.c.prefix == prefix).values(**past))


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"name": " "}, "/name"),
        ({"name": "a" * 201}, "/name"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["jobs:read", "root"]}, "/scopes"),
        ({"expires_in_days": 0}, "/expires_in_days"),
        ({"requests_per_minute": 0}, "/requests_per_minute"),
        ({"jobs_per_day": -1}, "/jobs_per_day"),
    ],
)
def test_a_bad_key_is_refused(shared: Any, changed: dict[str, Any], pointer: str) -> None:
    _, client, _ = shared
    answer = client.post(KEYS, json={"name": "x", "scopes": ["train"], **changed})
    assert answer.status_code == 422
    assert pointer in [each["pointer"] for each in answer.json()["errors"]]


def test_a_key_has_a_rate_and_is_told_of_it(client: TestClient) -> None:
    made = make(client, requests_per_minute=3)
    answers = [client.get("/v1/jobs", headers=bearer(made["key"])) for _ in range(4)]
    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    assert answers[0].headers["ratelimit-policy"] == '"key";q=3;w=60'
    assert answers[0].headers["ratelimit"].startswith('"key";r=2;t=')
    refused = answers[3]
    assert refused.json()["code"] == "rate_limited"
    assert 1 <= int(refused.headers["retry-after"]) <= 20
    assert refused.headers["ratelimit"].startswith('"key";r=0;t=')
    other = make(client)
    assert client.get("/v1/jobs", headers=bearer(other["key"])).status_code == 200
    assert "ratelimit" not in client.get("/v1/jobs").headers, "the machine's own has none"


def test_a_key_has_a_quota_of_jobs(client: TestClient, runtime: Runtime) -> None:
    made = make(client, scopes=["jobs:write"], jobs_per_day=2)
    ids = {"seed_set_id": stored_seed_set(runtime), "teacher_id": stored_teacher(runtime)}
    body = {name: str(each) for name, each in ids.items()} | {"target_rows": 5}
    answers = [client.post("/v1/jobs", json=body, headers=bearer(made["key"])) for _ in range(3)]
    assert [each.status_code for each in answers] == [201, 201, 429]
    assert "2 jobs" in answers[2].json()["detail"]
    assert int(answers[2].headers["retry-after"]) > 0
    assert len(client.get("/v1/jobs").json()["items"]) == 2, "the third was not stored"
    assert client.post("/v1/jobs", json=body).status_code == 201, "others go on"


def test_a_repeated_request_does_not_show_the_key_again(client: TestClient) -> None:
    body, once = {"name": "ci", "scopes": ["train"]}, {"Idempotency-Key": "make-1"}
    first, again = (client.post(KEYS, json=body, headers=once).json() for _ in range(2))
    assert first["id"] == again["id"]
    assert (bool(first["key"]), again["key"]) == (True, None)


def test_deployed_there_are_keys_caps_and_named_requests_only(runtime: Runtime) -> None:
    settings = runtime.settings.model_copy(update={"access": "deployed"})
    deployed = replace(runtime, settings=settings)
    made = api_keys.create(runtime, KeyDetails("all", ["admin"]))
    ids = {"seed_set_id": stored_seed_set(runtime), "teacher_id": stored_teacher(runtime)}
    body: dict[str, Any] = {name: str(each) for name, each in ids.items()} | {"target_rows": 5}
    with connected_client(deployed) as client:
        assert client.get("/v1/jobs").status_code == 401, "the machine's token is worth nothing"
        client.headers.update(bearer(made.text))
        unnamed = client.post("/v1/jobs", json=body)
        assert (unnamed.status_code, unnamed.json()["code"]) == (400, "idempotency_key_required")
        named = {"Idempotency-Key": "one"}
        endless = client.post("/v1/jobs", json=body, headers=named)
        assert (endless.status_code, endless.json()["code"]) == (422, "budget_invalid")
        assert endless.json()["errors"][0]["pointer"] == "/cap_micro_usd"
        assert client.post("/v1/estimates", json=body).status_code == 200
        capped = client.post("/v1/jobs", json={**body, "cap_micro_usd": 5}, headers=named)
        assert capped.status_code == 201
        for path in ("/docs", "/openapi.json", "/metrics"):
            assert client.get(path).status_code == 200
            assert client.get(path, headers={"Authorization": ""}).status_code == 401
        assert client.get("/healthz", headers={"Authorization": ""}).text == "ok"
