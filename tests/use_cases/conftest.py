"""A runtime and a driver on a database of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.runtime import Runtime
from tests.driving import Driver, running_driver, running_runtime


@pytest.fixture
def runtime(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    with running_runtime(database_url, tmp_path / "home") as runtime:
        yield runtime


@pytest.fixture
def driver(runtime: Runtime) -> Iterator[Driver]:
    with running_driver(runtime) as driver:
        yield driver
