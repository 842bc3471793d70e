"""An export pushed from its page, to a hub that checks all it is sent; and what may go wrong."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from app.main import build_app
from app.runtime import Runtime
from app.use_cases import exports
from tests.api.stored_job import stored_job
from tests.dashboard.conftest import ORIGIN
from tests.dashboard.test_new_job import told
from tests.entry import WITH_TOKEN
from tests.fake_hub import TOKEN, FakeHub, fake_hub

CONTENT = {"data/alpaca_jsonl.jsonl", "README.md", "manifest.json"}


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with fake_hub(large=100) as hub:
        yield hub


@pytest.fixture
def pusher(runtime: Runtime, hub: FakeHub) -> Iterator[TestClient]:
    """A browser at a service that knows a hub, its token, and a store with a password in it."""
    own: dict[str, Any] = {
        "hub_endpoint": hub.url,
        "hub_token": SecretStr(TOKEN),
        "s3_endpoint": "http://rose:thorn@127.0.0.1:9",
    }
    app = build_app(replace(runtime, settings=runtime.settings.model_copy(update=own)))
    with TestClient(app, base_url="http://localhost", headers=WITH_TOKEN) as client:
        yield client


def pushed(client: TestClient, page: str, to: str, **data: str) -> Any:
    """The answer to a form of the page."""
    answer = client.post(f"{page}/push/{to}", data=data, headers=ORIGIN)
    assert TOKEN not in answer.text
    return answer


def test_an_export_is_pushed_from_its_page(
    pusher: TestClient, runtime: Runtime, hub: FakeHub
) -> None:
    export = exports.request(runtime, stored_job(runtime).job.id, "alpaca_jsonl")
    page = f"/dashboard/exports/{export.id}"
    assert "It must be ready first." in pusher.get(page).text
    early = pushed(pusher, page, "hub", repo="rose/garden")
    assert (early.status_code, "queued" in early.text) == (409, True)
    exports.make(runtime, export.id)
    shown = pusher.get(page).text
    assert hub.url.removeprefix("http://") in shown
    assert "127.0.0.1:9" in shown
    for secret in (TOKEN, "thorn", "no token"):
        assert secret not in shown
    answer = pushed(pusher, page, "hub", repo="rose/garden", revision="")
    assert answer.status_code == 200
    assert f"{hub.url}/datasets/rose/garden/commit/1" in answer.text
    assert all(name in answer.text for name in CONTENT)
    assert (hub.repos, hub.files.keys()) == ({"rose/garden": False}, CONTENT), "the box was clear"
    pushed(pusher, page, "hub", repo="rose/hidden", private="yes")
    assert hub.repos["rose/hidden"] is True


def test_what_goes_wrong_is_said_and_what_was_typed_stays(
    pusher: TestClient, runtime: Runtime, hub: FakeHub
) -> None:
    export = exports.request(runtime, stored_job(runtime).job.id, "alpaca_jsonl")
    exports.make(runtime, export.id)
    page = f"/dashboard/exports/{export.id}"
    odd = pushed(pusher, page, "hub", repo="<b>", revision="..")
    assert told(odd.text) == {
        ("repo", "must be owner/name"),
        ("revision", "must be the name of a branch"),
    }
    assert (odd.status_code, "<b>" in odd.text, "&lt;b&gt;" in odd.text) == (422, False, True)
    assert told(pushed(pusher, page, "s3", bucket="No").text) == {
        ("bucket", "must be the name of a bucket")
    }

    def asleep(*_: object) -> tuple[int, Mapping[str, str], object]:
        return 503, {}, {"error": "asleep"}

    hub.answer = asleep  # type: ignore[method-assign]
    failed = pushed(pusher, page, "hub", repo="rose/garden")
    assert (failed.status_code, "503 asleep" in failed.text) == (502, True)
    assert 'value="rose/garden"' in failed.text
    foreign = pusher.post(f"{page}/push/hub", headers={"Origin": "http://elsewhere"})
    assert foreign.status_code == 403
    gone = page[:-12] + "0" * 12
    assert pushed(pusher, gone, "hub", repo="rose/garden").status_code == 404


def test_without_a_token_it_says_what_to_set(browser: TestClient, runtime: Runtime) -> None:
    export = exports.request(runtime, stored_job(runtime).job.id, "alpaca_jsonl")
    exports.make(runtime, export.id)
    page = f"/dashboard/exports/{export.id}"
    assert "there is no token for it yet" in browser.get(page).text
    answer = pushed(browser, page, "hub", repo="rose/garden")
    assert answer.status_code == 422
    assert "<li>set CULTIVAR_HUB_TOKEN where this runs" in unescape(answer.text)
