"""Fixtures that every test may ask for: a database of its own, a Redis of its own."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.servers import (
    NoServerError,
    TestPostgres,
    TestRedis,
    migrated_template,
    postgres_source,
    redis_source,
    running_postgres,
    running_redis,
)
from tests.small_disk import small_disk as mounted


def pytest_report_header() -> list[str]:
    """Say which servers the run uses."""
    lines: list[str] = []
    for name, source in (("Postgres", postgres_source), ("Redis", redis_source)):
        try:
            lines.append(f"{name}: {source()}")
        except NoServerError as error:
            lines.append(f"{name}: none ({error})")
    return lines


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one mebibyte."""
    with mounted(tmp_path / "small", mib=1) as place:
        yield place


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[TestPostgres]:
    """A Postgres server, one per process of the test run."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def template_database(postgres_server: TestPostgres) -> Iterator[str]:
    """The name of a database migrated to the newest revision, for copying."""
    with migrated_template(postgres_server) as name:
        yield name


@pytest.fixture
def database_url(postgres_server: TestPostgres, template_database: str) -> Iterator[str]:
    """The address (SQLAlchemy's form) of a fresh, migrated database that is this test's own."""
    name = f"cultivar_test_{uuid.uuid4().hex}"
    yield postgres_server.create(name, template_database)
    postgres_server.drop(name)


@pytest.fixture
def empty_database_url(postgres_server: TestPostgres) -> Iterator[str]:
    """The address of a fresh database without a table, for tests of the migrations."""
    name = f"cultivar_empty_{uuid.uuid4().hex}"
    yield postgres_server.create(name)
    postgres_server.drop(name)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[TestRedis]:
    """A Redis server, one per process of the test run."""
    with running_redis() as server:
        yield server


@pytest.fixture
def redis_url(redis_server: TestRedis, worker_id: str) -> str:
    """The address of an empty logical database that no other running test uses."""
    number = int(worker_id.removeprefix("gw")) + 1 if worker_id.startswith("gw") else 0
    url = redis_server.url_of(number % 16)
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url
