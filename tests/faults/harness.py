"""Starts everything that a service consists of, hands out jobs to follow, and hurts its parts."""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
import sqlalchemy as sa

from app.embedded.migrate import migrate
from app.embedded.ports import LOOPBACK, answers, free_port
from app.runtime import Runtime
from tests.demo_teacher_process import start_demo_teacher
from tests.driving import SEEDS, running_runtime
from tests.end_to_end.fleet import Client
from tests.faults.crew import Crew, Place, Shape
from tests.faults.followed import Followed
from tests.faults.postgres_proxy import PostgresProxy
from tests.servers import own_postgres, own_redis, passing_directory

CALLS_AT_ONCE = 24
MANY_ROWS = 100_000
READY_S = 120.0
LIBFAKETIME = "faketime/libfaketime.so.1"


@dataclass
class Harness:
    """Servers of our own, and one crew after the other on them. See `running_harness`."""

    home: Path
    crew: Crew | None = None
    jobs: int = 0
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> "Harness":
        self.postgres = own_postgres(self.home / "postgres")
        self.redis = own_redis(self.home / "redis")
        self._stack.callback(self.postgres.stop)
        self.postgres.start()
        self._stack.callback(self.redis.stop)
        self.redis.start()
        migrate(self.postgres.url)
        self.proxy = PostgresProxy(self.postgres.port or 0)
        self._stack.callback(self.proxy.close)
        self.port = free_port()
        self.client = Client(f"http://{LOOPBACK}:{self.port}")
        self._stack.callback(self.client.close)
        home = self.home / "service"
        self.runtime: Runtime = self._stack.enter_context(
            running_runtime(self.postgres.url, home, database_pool_size=2)
        )
        return self

    def __exit__(self, *_: object) -> None:
        if self.crew is not None:
            self.crew.stop()
        self._stack.close()

    def man(self, shape: Shape) -> Crew:
        """See that a crew of this shape runs; one that already does goes on."""
        if self.crew is not None and self.crew.shape == shape:
            return self.crew
        if self.crew is not None:
            self.crew.stop()
        self.crew = Crew(shape, self._place(), self._doubt(shape), _clocks(shape))
        self.crew.start()
        self._wait_until_ready()
        return self.crew

    @contextmanager
    def job(self, *, teacher: dict[str, Any] | None = None, **changes: Any) -> Iterator[Followed]:
        """Submit a job to a teacher of its own, and follow it; `teacher` has the teacher's flags.

        It is to make more rows than anybody will wait for: see `Followed.finish`.
        `changes` go into the body, but for those that begin with `teacher_`, which describe the
        teacher to the service.
        """
        assert self.crew is not None
        self.jobs += 1
        told = {"latency_s": 0.2, "seed": self.jobs, **(teacher or {})}
        log = self.home / f"arrivals-{self.jobs}.jsonl"
        details = {key[8:]: changes.pop(key) for key in [*changes] if key.startswith("teacher_")}
        with start_demo_teacher(log=log, **told) as running, self._mended_afterwards():
            record = {"name": f"teacher-{self.jobs}", "base_url": running.base_url, **details}
            record = {"max_concurrency": CALLS_AT_ONCE, **record}
            body = {
                "seed_set_id": self.client.add_seeds(SEEDS),
                "teacher_id": self.client.add_teacher(**record),
                "target_rows": MANY_ROWS,
                **changes,
            }
            job = self.client.call("POST", "/v1/jobs", json=body)
            yield Followed(self.client, self.runtime, self.crew, running, log, job["id"], body)

    @contextmanager
    def _mended_afterwards(self) -> Iterator[None]:
        """Whatever fails in here leaves the next one a whole service."""
        try:
            yield
        except BaseException:
            if self.crew is not None:
                self.crew.stop()
                self.crew = None
            self.proxy.hide(share=0.0, most=0)
            for server in (self.postgres, self.redis):
                if server.process is None or server.process.poll() is not None:
                    server.start()
            self._give_up_jobs()
            raise

    def _give_up_jobs(self) -> None:
        """A job that failed its test is none of the next one's business."""
        with self.runtime.database.transaction() as connection:
            connection.execute(sa.text("TRUNCATE jobs, pools CASCADE"))

    # What hurts

    def kill_redis(self) -> None:
        """Redis dies, and with it all that it held."""
        assert self.redis.process is not None
        self.redis.process.kill()
        self.redis.process.wait()

    def start_redis(self) -> None:
        """An empty Redis at the old address."""
        self.redis.start()

    def flush_redis(self) -> None:
        """Redis forgets everything."""
        with redis.Redis.from_url(self.redis.url) as client:
            client.flushall()

    def crash_postgres(self) -> None:
        """An immediate stop, which is a crash to all that is in memory."""
        assert self.postgres.process is not None
        self.postgres.process.send_signal(signal.SIGQUIT)
        self.postgres.process.wait()

    def start_postgres(self) -> None:
        """Postgres at the old address, recovered."""
        self.postgres.start()

    def _place(self) -> Place:
        home = self.home / "service"
        environment = {
            "CULTIVAR_DATABASE_URL": self.postgres.url,
            "CULTIVAR_REDIS_URL": self.redis.url,
            "CULTIVAR_HOME": str(home),
            "PYTHONFAULTHANDLER": "",
        }
        return Place(home, environment, self.port)

    def _doubt(self, shape: Shape) -> dict[str, str]:
        if not shape.doubtful:
            return {}
        direct, through = f":{self.postgres.port}/", f":{self.proxy.port}/"
        return {"CULTIVAR_DATABASE_URL": self.postgres.url.replace(direct, through)}

    def _wait_until_ready(self) -> None:
        """Until every worker is there and the API answers."""
        assert self.crew is not None
        deadline_s = time.monotonic() + READY_S
        while not (self.crew.is_up() and answers(self.port)):
            assert time.monotonic() < deadline_s, [
                self.crew.log(name)[-2000:] for name in self.crew.charges
            ]
            time.sleep(0.1)


@contextmanager
def running_harness() -> Iterator[Harness]:
    """Everything but a crew, in a directory that is gone afterwards."""
    with passing_directory() as directory, Harness(directory) as harness:
        yield harness


def libfaketime() -> Path | None:
    """The library of Debian's package faketime, where it is installed."""
    found = sorted(Path("/usr/lib").glob(f"*/{LIBFAKETIME}"))
    return found[0] if found else None


def _clocks(shape: Shape) -> dict[str, dict[str, str]]:
    library = libfaketime()
    if library is None or not shape.skews:
        return {}
    steady = {"LD_PRELOAD": str(library), "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    told = zip(shape.names, shape.skews, strict=True)
    return {name: {**steady, **_clock(skew)} for name, skew in told}


def _clock(skew: str) -> dict[str, str]:
    if skew.startswith("/"):
        return {"FAKETIME_TIMESTAMP_FILE": skew, "FAKETIME_NO_CACHE": "1"}
    return {"FAKETIME": skew}
