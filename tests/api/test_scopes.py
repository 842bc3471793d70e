"""Every route with every scope: what a key may not do is refused, and nothing is forgotten."""

from collections.abc import Iterator, Mapping

import pytest
from starlette.testclient import TestClient

from app.api.scopes import RULES
from app.dashboard.scopes import RULES as PAGE_RULES
from app.domain.access import Scope, allows
from app.domain.gatekeeping import FORGOTTEN, Rules
from app.main import create_app
from app.runtime import Runtime
from app.use_cases import api_keys
from app.use_cases.api_keys import KeyDetails
from tests.api.conftest import Shared
from tests.api.routes import every_route, filled

ROUTES = every_route(create_app())
TABLE = Rules([*RULES, *PAGE_RULES])
# What anybody may do, and what any key may; a route that comes to these comes here too.
FREE = {
    "/healthz",
    "/readyz",
    "/problems/{code}",
    "/dashboard/static/{name}",
    "/dashboard/login",
    "/dashboard/logout",
}
ANY_KEY = {
    "/",
    "/dashboard",
    "/dashboard/access",
    "/docs",
    "/docs/oauth2-redirect",
    "/redoc",
    "/openapi.json",
    "/static-offline-docs/favicon.png",
    "/v1/methods",
    "/v1/methods/{name}",
    "/v1/formats",
    "/v1/packaging",
    "/v1/review-reasons",
    "/v1/tuning-methods",
    "/v1/filters",
}


def named(path: str) -> str:
    """The address of a route as the table is asked for it."""
    return filled(path)


def test_every_route_has_a_rule() -> None:
    assert len(ROUTES) > 120
    missing = {path for _, path in ROUTES if TABLE.of(named(path)) is FORGOTTEN}
    assert missing == {"/dashboard/{path:path}"}, (
        "name them in app/api/scopes.py or app/dashboard/scopes.py"
    )


def test_only_these_ask_for_no_scope() -> None:
    assert {path for _, path in ROUTES if TABLE.of(named(path)).free} == FREE
    rules = {(path, method): TABLE.of(named(path)) for method, path in ROUTES}
    found = {
        path
        for (path, method), rule in rules.items()
        if not rule.free and rule.scope(method) is None
    }
    assert found == ANY_KEY


def test_what_no_rule_names_is_for_administrators() -> None:
    assert TABLE.of("/v1/new-thing").scope("GET") is Scope.ADMIN
    assert TABLE.of("/v1/jobs-of-others").scope("GET") is Scope.ADMIN, "a prefix ends at a slash"


@pytest.fixture(scope="module")
def keys(shared: Shared) -> Mapping[Scope, str]:
    """A key for each scope."""
    runtime, _, _ = shared
    return {each: api_keys.create(runtime, KeyDetails(str(each), [each])).text for each in Scope}


@pytest.fixture(scope="module")
def stranger(shared: Shared) -> Iterator[TestClient]:
    """The client of the shared application, as somebody without the token."""
    _, client, _ = shared
    given = client.headers.pop("authorization")
    client.follow_redirects = False
    yield client
    client.headers["authorization"] = given
    client.follow_redirects = True


@pytest.mark.parametrize("scope", list(Scope))
def test_every_route_with_this_scope(
    stranger: TestClient, keys: Mapping[Scope, str], scope: Scope
) -> None:
    """Reaching a thing that is not there is 404 or another refusal, but for want of scope 403."""
    headers = {"Authorization": f"Bearer {keys[scope]}", "Sec-Fetch-Site": "same-origin"}
    wrong: list[str] = []
    for method, path in ROUTES:
        rule = TABLE.of(named(path))
        wanted = rule.scope(method)
        allowed = rule.free or wanted is None or allows([scope], wanted)
        if allowed and method in {"GET", "HEAD"} and "{" not in path:
            continue  # looked at by other tests, and dear
        answer = stranger.request(method, named(path), headers=headers)
        if (answer.status_code != 403) != allowed:
            wrong.append(f"{method} {path}: {answer.status_code}, but allowed is {allowed}")
    assert wrong == []


def test_the_refusal_names_the_scope(stranger: TestClient, keys: Mapping[Scope, str]) -> None:
    headers = {"Authorization": f"Bearer {keys[Scope.JOBS_READ]}"}
    refused = stranger.post("/v1/jobs", json={}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")
    assert "jobs:write" in refused.json()["detail"]


def test_writing_includes_reading_and_admin_everything() -> None:
    assert allows([Scope.JOBS_WRITE], Scope.JOBS_READ)
    assert not allows([Scope.JOBS_READ], Scope.JOBS_WRITE)
    assert not allows([Scope.TEACHERS_WRITE, Scope.TRAIN], Scope.DATASETS_READ)
    assert all(allows([Scope.ADMIN], each) for each in Scope)


def test_a_scope_of_a_later_version_counts_for_nothing(runtime: Runtime) -> None:
    details = KeyDetails("x", [Scope.JOBS_READ, "everything"])
    with pytest.raises(Exception, match="cannot be made"):
        api_keys.create(runtime, details)
