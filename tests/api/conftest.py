"""A runtime of its own for each test of the REST face, and clients that speak to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.main import build_app
from app.runtime import Runtime, build_runtime
from app.settings import Settings

BODY_IDLE_S = 0.5


@pytest.fixture
def runtime(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    """A real runtime on a database of this test's own, with a small limit of uploads."""
    settings = Settings(
        database_url=database_url, home=tmp_path, max_upload_mib=1, database_pool_size=2
    )
    runtime = build_runtime(settings)
    yield runtime
    runtime.close()


@pytest.fixture
def client(runtime: Runtime) -> Iterator[TestClient]:
    """A client of the whole application."""
    app = build_app(runtime, body_idle_s=BODY_IDLE_S)
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        yield client
