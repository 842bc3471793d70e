"""The whole application over a database of its own, as a browser without scripts sees it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.main import build_app
from app.runtime import Runtime
from tests.driving import running_runtime
from tests.entry import WITH_TOKEN

ORIGIN = {"Origin": "http://localhost"}


@pytest.fixture
def runtime(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    """A runtime without a broker."""
    with running_runtime(database_url, tmp_path / "home") as runtime:
        yield runtime


@pytest.fixture
def browser(runtime: Runtime) -> Iterator[TestClient]:
    """A client that follows redirects by hand."""
    app = build_app(runtime)
    with TestClient(app, base_url="http://localhost", follow_redirects=False) as client:
        client.headers.update(WITH_TOKEN)
        yield client
