"""A full disk refuses an upload and leaves the service up."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.runtime import Runtime
from tests.api.world import row_counts


@pytest.fixture
def small_disk(runtime: Runtime) -> Iterator[Path]:
    """Uploads go to a file system of 256 KiB."""
    directory = runtime.settings.home / "uploads"
    directory.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(directory)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("no tmpfs can be mounted here")
    yield directory
    subprocess.run(["umount", str(directory)], check=True)


@pytest.mark.usefixtures("small_disk")
def test_a_full_disk_is_told(client: TestClient, runtime: Runtime) -> None:
    before = row_counts(runtime)
    body = b"".join(b'{"instruction": "Count to %d, slowly."}\n' % at for at in range(20_000))
    headers = {"content-type": "application/x-ndjson"}
    answer = client.post("/v1/seed-sets?name=big", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (507, "insufficient_storage")
    assert row_counts(runtime) == before
    small = client.post("/v1/seed-sets?name=small", content=body[:39], headers=headers)
    assert small.status_code == 201, small.text
