"""A key that is revoked is worth nothing on any process within five seconds."""

import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from app.embedded import programs
from app.embedded.ports import LOOPBACK, answers, free_port
from app.runtime import build_runtime
from app.settings import Settings
from app.use_cases import api_keys
from app.use_cases.api_keys import KeyDetails
from tests.end_to_end.fleet import START_S, Fleet

WITHIN_S = 5.0


@pytest.mark.slow
def test_revoked_on_two_processes_in_five_seconds(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    with Fleet(database_url, redis_url, tmp_path / "home") as fleet:
        ports = [free_port(), free_port()]
        for number, port in enumerate(ports):
            fleet.start(replace(programs.api(port), name=f"api-{number}"))
        _wait_for(ports, fleet)
        runtime = build_runtime(Settings(database_url=database_url, home=fleet.home))
        made = api_keys.create(runtime, KeyDetails("soon gone", ["jobs:read"]))
        headers = {"Authorization": f"Bearer {made.text}"}
        assert [_status(port, headers) for port in ports] == [200, 200]
        api_keys.revoke(runtime, made.key.id)
        revoked_s = time.monotonic()
        while 200 in (found := [_status(port, headers) for port in ports]):
            assert time.monotonic() - revoked_s < WITHIN_S, found
            time.sleep(0.1)
        assert found == [401, 401]
        runtime.close()


def _wait_for(ports: list[int], fleet: Fleet) -> None:
    deadline_s = time.monotonic() + START_S
    while not all(map(answers, ports)):
        assert time.monotonic() < deadline_s, fleet.log("api-0")
        time.sleep(0.1)


def _status(port: int, headers: dict[str, str]) -> int:
    return httpx.get(f"http://{LOOPBACK}:{port}/v1/jobs", headers=headers, timeout=10).status_code
