"""People come in by a printed address or with a key, and out again; keys are made on a page."""

import re
from dataclasses import replace
from html import unescape

import pytest
from starlette.testclient import TestClient

from app.api.desk import TRIES
from app.main import build_app
from app.runtime import Runtime
from app.use_cases import api_keys, sessions
from app.use_cases.api_keys import KeyDetails
from tests.dashboard.conftest import ORIGIN
from tests.entry import TOKEN

LOGIN = "/dashboard/login"


@pytest.fixture
def visitor(browser: TestClient) -> TestClient:
    """A browser that has nothing but its cookies."""
    browser.headers.pop("authorization")
    return browser


def test_the_printed_address_lets_one_in_once(visitor: TestClient, runtime: Runtime) -> None:
    assert visitor.get("/").headers["location"] == LOGIN
    url = sessions.login_url(runtime, "http://localhost")
    let_in = visitor.get(url)
    assert (let_in.status_code, let_in.headers["location"]) == (303, "/dashboard/jobs")
    cookie = let_in.headers["set-cookie"]
    assert cookie.startswith("cultivar=")
    for term in ("HttpOnly", "SameSite=strict", "Path=/"):
        assert term in cookie
    assert visitor.get("/dashboard/jobs").status_code == 200
    assert visitor.get("/v1/jobs").status_code == 200
    assert visitor.get(url).status_code == 303, "opened again where it was used"
    visitor.cookies.clear()
    used = visitor.get(url)
    assert used.status_code == 401
    assert "works once" in unescape(used.text)
    assert visitor.get(f"{LOGIN}?ticket=nonsense").status_code == 401


def test_in_with_the_token_and_out(visitor: TestClient) -> None:
    form = visitor.get(LOGIN)
    assert (form.status_code, 'type="password"' in form.text) == (200, True)
    assert visitor.post(LOGIN, data={"key": TOKEN}).status_code == 403, "not from our page"
    wrong = visitor.post(LOGIN, data={"key": "cvr_nonsense"}, headers=ORIGIN)
    assert wrong.status_code == 401
    assert "cvr_nonsense" not in wrong.text
    assert visitor.post(LOGIN, data={"key": TOKEN}, headers=ORIGIN).status_code == 303
    kept = dict(visitor.cookies)
    assert visitor.get("/dashboard/access").status_code == 200
    assert visitor.post("/dashboard/logout").status_code == 403, "no other site logs anybody out"
    out = visitor.post("/dashboard/logout", headers=ORIGIN)
    assert (out.status_code, out.headers["location"]) == (303, LOGIN)
    visitor.cookies.update(kept)
    assert visitor.get("/dashboard/jobs").status_code == 303, "the old cookie is worth nothing"


def test_a_session_of_a_key_reaches_as_far_as_the_key(
    visitor: TestClient, runtime: Runtime
) -> None:
    made = api_keys.create(runtime, KeyDetails("eyes", ["jobs:read"]))
    assert visitor.post(LOGIN, data={"key": made.text}, headers=ORIGIN).status_code == 303
    shown = visitor.get("/dashboard/access")
    assert f"cvr_{made.key.prefix}" in shown.text
    assert "Make a key" not in shown.text
    assert visitor.get("/dashboard/jobs").status_code == 200
    for path in ("/dashboard/access/audit", "/dashboard/training"):
        refused = visitor.get(path)
        assert refused.status_code == 403
        assert "scope" in refused.text
        assert "<main" in refused.text, "a page for people"
    denied = visitor.post("/dashboard/access/keys", data={"name": "x"}, headers=ORIGIN)
    assert denied.status_code == 403
    api_keys.revoke(runtime, made.key.id)
    visitor.app.state.desk._ring._known.clear()  # type: ignore[attr-defined]
    assert visitor.get("/dashboard/jobs").status_code == 303, "it ends with its key"


def test_a_script_is_not_led_to_the_login_page(visitor: TestClient) -> None:
    headers = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "empty"}
    assert visitor.get("/dashboard/jobs/fragment", headers=headers).status_code == 401


def test_wrong_keys_in_the_form_are_stopped_too(visitor: TestClient) -> None:
    statuses = [
        visitor.post(LOGIN, data={"key": f"wrong {number}"}, headers=ORIGIN).status_code
        for number in range(TRIES.size + 1)
    ]
    assert statuses == [401] * TRIES.size + [429]


def test_a_key_from_its_making_to_its_end(browser: TestClient) -> None:
    bad = browser.post("/dashboard/access/keys", data={"name": ""}, headers=ORIGIN)
    assert bad.status_code == 422
    assert "must be one or more of" in bad.text
    sent = {"name": "<b>ci</b>", "scopes": ["jobs:read", "jobs:write"], "expires_in_days": "30"}
    made = browser.post("/dashboard/access/keys", data=sent, headers=ORIGIN)
    assert made.status_code == 200
    assert made.headers["cache-control"] == "no-store"
    found = re.search(r'id="made-key">(cvr_[^<]+)<', made.text)
    assert found
    assert "<b>ci" not in made.text
    used = browser.get("/v1/jobs", headers={"Authorization": f"Bearer {found[1]}"})
    assert used.status_code == 200
    listed = browser.get("/dashboard/access").text
    assert found[1] not in listed
    rotate = re.search(r'action="(/dashboard/access/keys/[^"]+/rotate)"', listed)
    assert rotate
    rotated = browser.post(rotate[1], headers=ORIGIN)
    assert 'id="made-key"' in rotated.text
    assert browser.post(rotate[1], headers=ORIGIN).status_code == 422, "not twice"
    revoke = re.search(r'action="(/dashboard/access/keys/[^"]+/revoke)"', listed)
    assert revoke
    assert browser.post(revoke[1], headers=ORIGIN).status_code == 303
    log = browser.get("/dashboard/access/audit?check=1").text
    assert "key.rotate" in log
    assert "Whole:" in log


def test_deployed_the_form_takes_keys_only(runtime: Runtime) -> None:
    settings = runtime.settings.model_copy(update={"access": "deployed", "hosts": "a.example"})
    app = build_app(replace(runtime, settings=settings))
    made = api_keys.create(runtime, KeyDetails("ops", ["admin"]))
    origin = {"Origin": "https://a.example"}
    with TestClient(app, base_url="https://a.example", follow_redirects=False) as client:
        assert client.post(LOGIN, data={"key": TOKEN}, headers=origin).status_code == 401
        ticket = sessions.login_url(runtime, "https://a.example")
        client.get(ticket)
        assert client.get("/dashboard/jobs").status_code == 303, "nor does a ticket help"
        let_in = client.post(LOGIN, data={"key": made.text}, headers=origin)
        assert let_in.headers["set-cookie"].startswith("__Host-cultivar=")
        assert "Secure" in let_in.headers["set-cookie"]
        assert client.get("/dashboard/jobs").status_code == 200
