"""Every answer carries its id and the headers that keep browsers from doing harm."""

import pytest
from starlette.testclient import TestClient

EXPECTED = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.mark.parametrize(
    "path",
    [
        "/healthz",
        "/readyz",
        "/openapi.json",
        "/docs",
        "/redoc",
        "/static-offline-docs/favicon.png",
        "/v1/jobs",
        "/v1/jobs/x",
        "/v1/nothing",
        "/problems/not-found",
        "/" + "x" * 9000,
    ],
    ids=lambda path: path[:30],
)
def test_headers_of_every_answer(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert {name: answer.headers[name] for name in EXPECTED} == EXPECTED
    assert answer.headers["x-request-id"].startswith("req_")
    assert answer.headers["cache-control"] in {"no-store", "private, no-cache"}
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy
    assert "server" not in answer.headers


def test_ids_differ_and_are_ours(client: TestClient) -> None:
    given = {"x-request-id": "forged"}
    ids = {client.get("/healthz", headers=given).headers["x-request-id"] for _ in range(20)}
    assert len(ids) == 20


def test_an_etag_allows_private_caches_only(client: TestClient) -> None:
    answer = client.get("/static-offline-docs/favicon.png")
    assert "etag" in answer.headers
    assert answer.headers["cache-control"] == "private, no-cache"
