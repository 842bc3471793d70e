"""The gate: who sent a request, to which name, by what way, and what those get who have no key."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.api.desk import TRIES
from app.domain.api_keys import key_text
from app.main import build_app, create_app
from app.runtime import Runtime
from app.use_cases import api_keys, audit
from app.use_cases.api_keys import KeyDetails
from tests.api.conftest import Shared
from tests.api.routes import every_route, filled
from tests.api.test_envelope import EXPECTED
from tests.api.test_scopes import FREE
from tests.entry import TOKEN

ROUTES = every_route(create_app())
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
FOREIGN = (
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:9999"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"},
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
)


@pytest.fixture(scope="module")
def shared_client(shared: Shared) -> Iterator[TestClient]:
    _, client, _ = shared
    client.follow_redirects = False
    yield client
    client.follow_redirects = True


def addresses() -> list[str]:
    """One of each address."""
    return sorted({filled(path) for _, path in ROUTES})


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "", "a@localhost:x"]
)
def test_another_host_is_misdirected_with_every_method(
    shared_client: TestClient, host: str
) -> None:
    for path in addresses():
        for method in METHODS:
            answer = shared_client.request(method, path, headers={"Host": host})
            assert answer.status_code == 421, (method, path)


@pytest.mark.parametrize("headers", FOREIGN, ids=lambda value: " ".join(value.values()))
def test_another_site_is_refused_with_every_method(
    shared_client: TestClient, headers: dict[str, str]
) -> None:
    for path in addresses():
        for method in METHODS:
            answer = shared_client.request(method, path, headers=headers)
            assert answer.status_code == 403, (method, path)


def test_a_link_from_elsewhere_may_be_followed_and_nothing_more(shared_client: TestClient) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert shared_client.get("/dashboard/jobs", headers=headers).status_code == 200
    assert shared_client.post("/dashboard/jobs", headers=headers).status_code == 403


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST:1"])
def test_our_own_names_are_good(shared_client: TestClient, host: str) -> None:
    assert shared_client.get("/v1/jobs", headers={"Host": host}).status_code == 200


def test_without_a_key_nothing_but_what_is_free(shared: Shared) -> None:
    runtime, _, _ = shared
    with TestClient(
        build_app(runtime), base_url="http://localhost", follow_redirects=False
    ) as client:
        for method, path in ROUTES:
            answer = client.request(method, filled(path), headers={"Sec-Fetch-Site": "none"})
            if path in FREE:
                continue
            page = path == "/" or path.startswith("/dashboard")
            if page and method in {"GET", "HEAD"}:
                assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/login")
                continue
            # A change that is sent from nowhere is refused before anybody is asked for a key.
            assert answer.status_code == (403 if method not in {"GET", "HEAD"} else 401), path
            if answer.status_code == 401:
                assert answer.headers["www-authenticate"] == "Bearer"
                assert method == "HEAD" or answer.json()["code"] == "unauthenticated"
        for method, path in ROUTES:
            if not path.startswith("/v1"):
                continue
            answer = client.request(method, filled(path))
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


def test_every_answer_of_every_route_has_its_headers(shared_client: TestClient) -> None:
    for method, path in ROUTES:
        for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Host": "evil.example"}):
            answer = shared_client.request(method, filled(path), headers=headers)
            assert {name: answer.headers.get(name) for name in EXPECTED} == EXPECTED, path
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], path
            allowed = {"no-store", "private, no-cache"}
            if path.startswith("/dashboard/static/") or "etag" in answer.headers:
                allowed.add("public, max-age=60")
            assert answer.headers["cache-control"] in allowed, path
            assert "access-control-allow-origin" not in answer.headers


def test_a_form_of_another_site_and_json_as_text_are_refused(client: TestClient) -> None:
    """What a page can send without asking: a form, or JSON under a simple type."""
    body = '{"name": "a", "base_url": "https://a.example/v1", "model": "m"}'
    sent = {"Content-Type": "text/plain", "Origin": "http://evil.example"}
    assert client.post("/v1/teachers", content=body, headers=sent).status_code == 403
    ours = {"Content-Type": "text/plain", "Origin": "http://localhost"}
    assert client.post("/v1/teachers", content=body, headers=ours).status_code == 415


@pytest.mark.parametrize(
    "given",
    [
        "Bearer",
        "Bearer x",
        f"Basic {TOKEN}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        "Bearer " + key_text("abcdefghijkm", "a" * 43),
        "Bearer ä".encode("latin-1").decode("latin-1"),
    ],
)
def test_which_part_is_wrong_is_not_said(client: TestClient, given: str) -> None:
    answer = client.get("/v1/jobs", headers={b"Authorization": given.encode("latin-1")})
    assert answer.status_code == 401
    detail = answer.json()["detail"]
    client.headers.pop("authorization")
    assert client.get("/v1/jobs").json()["detail"] == detail


def test_a_thousand_wrong_keys_are_stopped_and_the_right_one_goes_on(
    client: TestClient, runtime: Runtime
) -> None:
    made = api_keys.create(runtime, KeyDetails("good", ["jobs:read"]))
    good = {"Authorization": f"Bearer {made.text}"}
    assert client.get("/v1/jobs", headers=good).status_code == 200
    answers: list[Any] = []
    began_s = time.monotonic()
    for number in range(1000):
        wrong = key_text(f"wrong{number:07}", "a" * 43)
        answers.append(client.get("/v1/jobs", headers={"Authorization": f"Bearer {wrong}"}))
    refilled = TRIES.per_s * (time.monotonic() - began_s)
    statuses = [each.status_code for each in answers]
    assert statuses[: TRIES.size] == [401] * TRIES.size
    assert statuses.count(401) <= TRIES.size + refilled + 1, "a few more as time passes"
    assert statuses[-1] == 429
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert client.get("/v1/jobs", headers=good).status_code == 200
    assert client.get("/v1/jobs").status_code == 200, "nor is the machine's own token held up"
    noted = audit.page(runtime, action="auth.failed", limit=500).items
    assert len(noted) == statuses.count(401), "and the log does not grow with the flood"


def test_guesses_at_one_key_do_not_lock_out_others(client: TestClient, runtime: Runtime) -> None:
    made = [api_keys.create(runtime, KeyDetails(name, ["jobs:read"])) for name in "ab"]
    for each in made:
        good = {"Authorization": f"Bearer {each.text}"}
        assert client.get("/v1/jobs", headers=good).status_code == 200
    guessed = key_text(made[0].key.prefix, "a" * 43)
    for _ in range(TRIES.size):
        client.get("/v1/jobs", headers={"Authorization": f"Bearer {guessed}"})
    stopped = client.get("/v1/jobs", headers={"Authorization": f"Bearer {guessed}"})
    assert stopped.status_code == 429
    other = {"Authorization": f"Bearer {key_text(made[1].key.prefix, 'a' * 43)}"}
    assert client.get("/v1/jobs", headers=other).status_code == 401


def way(runtime: Runtime, server: tuple[str, int], scheme: str = "http", **settings: object) -> int:
    """How a request is answered that came in by an address of ours."""
    changed = runtime.settings.model_copy(update={"hosts": "service.example", **settings})
    app = build_app(type(runtime)(changed, runtime.database, runtime.wake, runtime.vault))
    base = f"{scheme}://service.example"
    with TestClient(app, base_url=base) as client:
        transport = client._transport
        transport.app = _arriving(transport.app, server)  # type: ignore[attr-defined]
        return client.get("/healthz").status_code


def _arriving(app: object, server: tuple[str, int]) -> object:
    async def arriving(scope: dict[str, object], receive: object, send: object) -> None:
        await app({**scope, "server": server}, receive, send)  # type: ignore[operator]

    return arriving


def test_an_address_that_others_reach_needs_keys_and_tls(runtime: Runtime) -> None:
    """However the process was started, this is asked of each request as well."""
    outside = ("192.0.2.7", 8000)
    assert way(runtime, ("127.0.0.1", 8000)) == 200
    assert way(runtime, outside) == 403
    assert way(runtime, outside, access="open") == 403
    assert way(runtime, outside, access="deployed") == 403
    assert way(runtime, outside, access="local", behind_tls_proxy=True) == 403
    assert way(runtime, outside, access="deployed", behind_tls_proxy=True) == 200
    assert way(runtime, outside, "https", access="deployed") == 200
