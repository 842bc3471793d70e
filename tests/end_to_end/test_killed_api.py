"""Promise 7: the web process is killed in the middle of submissions and uploads."""

import random
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from app.runtime import Runtime
from tests.api.stored_job import stored_seed_set, stored_teacher
from tests.driving import running_runtime
from tests.end_to_end.fleet import PLAIN, Fleet
from tests.end_to_end.forked_api import ForkedFleet
from tests.entry import WITH_TOKEN

pytestmark = pytest.mark.slow
ROWS = 2_000
CHECKS = (
    "SELECT count(*) FROM seed_sets s WHERE row_count <> (SELECT count(*) FROM seeds"
    " WHERE seed_set_id = s.id)",
    "SELECT count(*) FROM jobs j WHERE NOT EXISTS (SELECT 1 FROM pools p WHERE p.id = j.pool_id)",
    "SELECT count(*) FROM idempotency_keys WHERE made_id IS NULL",
    "SELECT count(*) FROM idempotency_keys k WHERE NOT EXISTS"
    " (SELECT 1 FROM jobs j WHERE j.id = k.made_id)",
)


def seeds_of(number: int) -> bytes:
    """A file unlike the others."""
    lines = (f'{{"instruction": "Task {number} of {at}"}}\n' for at in range(ROWS))
    return "".join(lines).encode()


def submit(url: str, job: dict[str, Any], number: int) -> httpx.Response:
    headers = {**WITH_TOKEN, "Idempotency-Key": f"order-{number}"}
    return httpx.post(f"{url}/v1/jobs", json=job, headers=headers, timeout=30, verify=PLAIN)


def upload(url: str, number: int) -> httpx.Response:
    headers = {**WITH_TOKEN, "Content-Type": "application/x-ndjson"}
    where = f"{url}/v1/seed-sets?name=set-{number}"
    return httpx.post(where, content=seeds_of(number), headers=headers, timeout=60, verify=PLAIN)


def scalars(runtime: Runtime, query: str) -> list[Any]:
    with runtime.database.transaction() as connection:
        return list(connection.scalars(sa.text(query)))


def one_kill(fleet: Fleet, job: dict[str, Any], number: int, wait_s: float) -> list[str]:
    """Both requests at once, and a kill; the ids that were answered before it."""
    answered: list[str] = []

    def ask(request: Any, *arguments: Any) -> None:
        try:
            answer = request(fleet.api_url, *arguments)
        except httpx.TransportError:
            return
        if answer.status_code < 300:
            answered.append(answer.json()["id"])

    asked = [(submit, job, number), (upload, number)]
    threads = [threading.Thread(target=ask, args=each) for each in asked]
    for thread in threads:
        thread.start()
    time.sleep(wait_s)
    fleet.kill("api")
    for thread in threads:
        thread.join()
    return answered


def kept(database_url: str, given: Fleet, kills: int) -> None:
    draw = random.Random(7)
    home = given.home
    with running_runtime(database_url, home) as runtime, given as fleet:
        ids = {"seed_set_id": stored_seed_set(runtime), "teacher_id": stored_teacher(runtime)}
        job = {name: str(each) for name, each in ids.items()} | {"target_rows": 20}
        fleet.start_api()
        answered: list[str] = []
        for number in range(kills):
            answered += one_kill(fleet, job, number, draw.uniform(0.0, 0.3))
            fleet.start_api()
            again = [submit(fleet.api_url, job, number).json()["id"] for _ in range(2)]
            assert again[0] == again[1]
            assert upload(fleet.api_url, number).status_code in (200, 201)
        known = "SELECT id FROM jobs UNION ALL SELECT id FROM seed_sets"
        stored = {str(each) for each in scalars(runtime, known)}
        assert set(answered) <= stored
        assert scalars(runtime, "SELECT count(*) FROM jobs") == [kills]
        assert scalars(runtime, "SELECT count(*) FROM seed_sets") == [kills + 1]
        assert [scalars(runtime, query) for query in CHECKS] == [[0]] * len(CHECKS)
        assert list((home / "uploads").iterdir()) == []


def test_07_what_was_answered_is_there(database_url: str, redis_url: str, tmp_path: Path) -> None:
    kept(database_url, Fleet(database_url, redis_url, tmp_path), kills=2)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_07_five_hundred_kills(database_url: str, redis_url: str, tmp_path: Path) -> None:
    kept(database_url, ForkedFleet(database_url, redis_url, tmp_path), kills=500)
