"""A runtime of its own for each test of the REST face, and clients that speak to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from app.main import build_app
from app.runtime import Runtime, build_runtime
from app.settings import Settings
from tests.api.world import World, build_world
from tests.entry import WITH_TOKEN, give_token
from tests.servers import TestPostgres

BODY_IDLE_S = 0.5
MAX_UPLOAD_MIB = 2
Shared = tuple[Runtime, TestClient, World]


@contextmanager
def running_runtime(database_url: str, home: Path) -> Iterator[Runtime]:
    """A real runtime without a broker, with a small limit of uploads."""
    give_token(home)
    settings = Settings(
        database_url=database_url, home=home, max_upload_mib=MAX_UPLOAD_MIB, database_pool_size=2
    )
    runtime = build_runtime(settings)
    try:
        yield runtime
    finally:
        runtime.close()


@contextmanager
def connected_client(runtime: Runtime) -> Iterator[TestClient]:
    """A client of the whole application, which answers 500 where it would raise."""
    app = build_app(runtime, body_idle_s=BODY_IDLE_S)
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        client.headers.update(WITH_TOKEN)
        yield client


@pytest.fixture
def runtime(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    """A runtime on a database of this test's own."""
    with running_runtime(database_url, tmp_path) as runtime:
        yield runtime


@pytest.fixture
def client(runtime: Runtime) -> Iterator[TestClient]:
    """A client of an application over this test's own runtime."""
    with connected_client(runtime) as client:
        yield client


@pytest.fixture(scope="module")
def shared(
    postgres_server: TestPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shared]:
    """One filled database for all cases: none of them may change it."""
    name = f"cultivar_test_{uuid4().hex}"
    url = postgres_server.create(name, template_database)
    with (
        running_runtime(url, tmp_path_factory.mktemp("home")) as runtime,
        connected_client(runtime) as client,
    ):
        yield runtime, client, build_world(runtime)
    postgres_server.drop(name)
