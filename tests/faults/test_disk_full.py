"""The disk of Postgres fills up: promise 13."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from app.embedded.migrate import migrate
from app.errors import InsufficientStorage, Unavailable
from app.main import build_app
from app.runtime import Runtime
from app.use_cases import jobs
from tests.demo_teacher_process import start_demo_teacher
from tests.driving import FINAL, Driver, add_seeds, add_teacher, running_driver, running_runtime
from tests.entry import WITH_TOKEN, give_token
from tests.faults.bill import read_bill
from tests.servers import own_postgres
from tests.small_disk import fill, small_disk

pytestmark = [pytest.mark.slow, pytest.mark.faults]
DISK_MIB = 200
FULL_S = 3.0


@contextmanager
def at_work(runtime: Runtime, job_id: UUID) -> Iterator[threading.Thread]:
    """A worker that drives a job, and its admitter, until the job has ended."""
    with running_driver(runtime) as driver:
        thread = threading.Thread(target=drive, args=(driver, job_id), daemon=True)
        thread.start()
        while jobs.progress(runtime, job_id).rows.get("accepted", 0) < 5:
            time.sleep(0.01)
            assert thread.is_alive()
        yield thread
        thread.join(60)


def drive(driver: Driver, job_id: UUID) -> None:
    """Step by step, as messages and looks into the database make workers do."""
    ended = False
    while not ended:
        try:
            ended = driver.step(job_id).state in FINAL
        except (Unavailable, InsufficientStorage):
            time.sleep(0.1)


def client_of(runtime: Runtime) -> TestClient:
    """Whoever is let in."""
    return TestClient(build_app(runtime), base_url="http://localhost", headers=WITH_TOKEN)


def refusal(client: TestClient) -> tuple[int, str, bool]:
    """What the API says to an upload: status, code, whether it says when to come back."""
    lines = (
        b'{"instruction": "Task %d of %d"}\n' % (number, time.monotonic_ns())
        for number in range(300)
    )
    answer = client.post(
        "/v1/seed-sets?name=late",
        content=b"".join(lines),
        headers={"Content-Type": "application/x-ndjson"},
    )
    return answer.status_code, str(answer.json().get("code")), "retry-after" in answer.headers


def test_13_the_disk_of_postgres_may_fill_up(tmp_path: Path) -> None:
    """Replies that are paid for are held meanwhile; with room again all goes on by itself."""
    tmp_path.chmod(0o711)
    give_token(tmp_path / "home")
    log = tmp_path / "log"
    with small_disk(tmp_path / "disk", DISK_MIB) as place:
        postgres = own_postgres(place / "postgres")
        postgres.start()
        migrate(postgres.url)
        try:
            with (
                start_demo_teacher(latency_s=0.3, seed=5, log=log) as teacher,
                running_runtime(postgres.url, tmp_path / "home") as runtime,
                client_of(runtime) as client,
            ):
                teacher_id = add_teacher(runtime, teacher.base_url, max_concurrency=6).id
                job = jobs.submit(runtime, jobs.JobDetails(add_seeds(runtime), teacher_id, 40))
                with at_work(runtime, job.id) as worker:
                    ballast = fill(place)
                    told = _refused(client)
                    assert worker.is_alive()
                    ballast.unlink()
                    if postgres.process and postgres.process.poll() is not None:
                        postgres.start()  # as whoever watches over it does
                assert told == (503, "insufficient_storage", True)
                found = jobs.get(runtime, job.id)
                assert (found.state, found.reason) == ("succeeded", "target_reached")
                assert refusal(client)[0] == 201
                bill = read_bill(log)
                assert (bill.paid_again, bill.sent_twice()) == (0, [])
                assert bill.paid == found.calls
        finally:
            postgres.stop()


def _refused(client: TestClient) -> tuple[int, str, bool]:
    """The last of what is said while the disk is full; it takes a moment to fill the last page."""
    told = refusal(client)
    ends_s = time.monotonic() + FULL_S
    while time.monotonic() < ends_s:
        told = refusal(client)
        assert told[0] in (201, 503)
        time.sleep(0.2)
    return told
