"""Every bad input is refused with its status and code, and leaves nothing behind."""

import pytest

from tests.api.bad_request import Bad
from tests.api.bad_requests import EVERY
from tests.api.conftest import Shared
from tests.api.world import World, row_counts


@pytest.mark.parametrize("bad", EVERY, ids=[each.id for each in EVERY])
def test_bad_input(shared: Shared, bad: Bad) -> None:
    runtime, client, world = shared
    before = row_counts(runtime)
    path, body = _named(bad.path, world), bad.body
    if body is not None and b"{" in body and len(body) < 10_000:
        body = _named(body.decode("latin-1"), world).encode("latin-1")
    answer = client.request(bad.method, path, content=body, headers=dict(bad.headers))
    report = answer.json()
    assert (answer.status_code, report["code"]) == (bad.status, bad.code), report
    assert answer.headers["content-type"] == "application/problem+json"
    assert report["status"] == bad.status
    assert report["type"] == f"/problems/{bad.code.replace('_', '-')}"
    assert report["instance"] == answer.headers["x-request-id"]
    assert report["title"]
    assert report["detail"]
    assert "canary" not in answer.text
    if bad.inner is not None:
        assert report["errors"][0]["code"] == bad.inner
    for words in bad.says:
        assert _named(words, world) in answer.text
    assert row_counts(runtime) == before


def _named(text: str, world: World) -> str:
    for name, value in world.names().items():
        text = text.replace(f"{{{name}}}", value)
    return text
