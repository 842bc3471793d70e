"""The whole service in one directory: servers, migrations, API and workers, kept running."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from app.embedded import leftovers, programs
from app.embedded.directory import Connection, publish, withdraw
from app.embedded.errors import EmbeddedError
from app.embedded.front import access_of, environment_of
from app.embedded.migrate import ROOT, migrate
from app.embedded.ports import LOOPBACK, answers, free_port, is_free, kept_port
from app.embedded.process import spawn
from app.embedded.programs import Front, Program
from app.embedded.servers import EmbeddedServers
from app.embedded.signals import calling_on_signal
from app.embedded.supervisor import Charge, Supervisor
from app.errors import CultivarError
from app.settings import Settings
from app.use_cases.training_process import find_python

START_TIMEOUT_S = 90.0
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared with, not listened on


def trainer_is_here() -> bool:
    """Tell whether training runs can be made here, so that a worker is worth its memory."""
    settings = Settings()
    try:
        find_python(settings.train_python)
    except CultivarError:
        return False
    return bool(settings.base_models)


def _say_nothing(line: str) -> None:
    """Swallow a line of progress."""


class EmbeddedService:
    """A context manager: inside it the service runs, and whatever ends is started again.

    `home` keeps everything. `port` is the API's (None: a free one), `front` where it listens and
    whom it lets in (InvalidInput where that is unsafe). `demo_teacher`, if given, also starts the
    scripted teacher with these arguments. `report` is told of each step, one line at a time. Enter
    it in the main thread. Raises EmbeddedError, HomeInUseError.
    """

    def __init__(
        self,
        home: Path,
        *,
        port: int | None = None,
        front: Front | None = None,
        demo_teacher: Sequence[str] | None = None,
        report: Callable[[str], None] = _say_nothing,
        grace_s: float = 30.0,
    ) -> None:
        self.servers = EmbeddedServers(home)
        self.port = port
        self.front = front or Front()
        self.access = access_of(self.front.posture)
        self.demo_teacher_port: int | None = None
        self._demo_teacher = demo_teacher
        self._report = report
        self._grace_s = grace_s
        self._supervisor: Supervisor | None = None
        self._open = ExitStack()

    @property
    def home(self) -> Path:
        """The directory of this instance."""
        return self.servers.home

    @property
    def postgres_url(self) -> str:
        """The database, as `postgresql+psycopg://...`."""
        return self.servers.postgres_url

    @property
    def redis_url(self) -> str:
        """The broker, as `redis://...`."""
        return self.servers.redis_url

    @property
    def api_url(self) -> str:
        """Where the API and the dashboard answer, without a slash at the end."""
        scheme = "https" if self.front.posture.tls else "http"
        return f"{scheme}://{self._host}:{self.port}"

    @property
    def _host(self) -> str:
        """The address under which this machine reaches itself."""
        host = self.front.posture.host
        if host in _EVERYWHERE:
            return LOOPBACK
        return f"[{host}]" if ":" in host else host

    @property
    def demo_teacher_url(self) -> str | None:
        """The base URL of the scripted teacher, as the OpenAI SDK wants it; None without one."""
        port = self.demo_teacher_port
        return None if port is None else f"http://{LOOPBACK}:{port}/v1"

    def environment(self) -> dict[str, str]:
        """The settings that make a process of ours work on this instance."""
        demo = self.demo_teacher_url
        return {
            "CULTIVAR_DATABASE_URL": self.postgres_url,
            "CULTIVAR_REDIS_URL": self.redis_url,
            "CULTIVAR_HOME": str(self.home),
            **environment_of(self.front.posture),
            "CULTIVAR_PORT": str(self.port),
            **({} if demo is None else {"CULTIVAR_DEMO_TEACHER_URL": demo}),
        }

    def check(self) -> None:
        """Raise EmbeddedError when a part of the service could not be kept running."""
        if self._supervisor is not None:
            self._supervisor.check()

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait while the service runs; raises as `check` does. Ctrl-C interrupts it."""
        if self._supervisor is not None:
            self._supervisor.wait(timeout_s)

    def __enter__(self) -> Self:
        if self.port is not None and not is_free(self.port):
            raise EmbeddedError(f"port {self.port} is taken; choose another with --port")
        self.port = self.port or free_port()
        try:
            self._start()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._report("stopping")
        self._close()

    def _start(self) -> None:
        self._report("starting Postgres and Valkey")
        self._open.enter_context(self.servers)
        self._report("migrating the database")
        migrate(self.postgres_url)
        self._report("starting the API and the workers")
        self._supervisor = Supervisor(self._charges(), self._grace_s)
        self._open.callback(self._supervisor.stop)
        self._supervisor.start()
        self._wait_for(self.port or 0, self._host.strip("[]"))
        if self.demo_teacher_port is not None:
            self._wait_for(self.demo_teacher_port)
        self._open.callback(withdraw, self.home)
        publish(self.home, self._connection())

    def _close(self) -> None:
        """Stop children first, servers last; a second signal cuts the children's grace short."""
        hurry = _do_nothing if self._supervisor is None else self._supervisor.hurry.set
        with calling_on_signal(hurry):
            self._open.close()

    def _charges(self) -> list[Charge]:
        servers = self.servers
        if self._demo_teacher is not None:
            self.demo_teacher_port = kept_port(self.home / "demo-teacher.port")
        ours = self.environment()
        charges = [
            Charge("postgres", servers.postgres.log, servers.start_postgres, stays=True),
            Charge("valkey", servers.valkey.log, servers.start_valkey, stays=True),
            self._charge(programs.api(self.port or 0, self.front), ours),
            self._charge(programs.worker("generate", ["generate"]), ours),
            self._charge(programs.worker("other", ["admit", "export", "sweep"]), ours),
        ]
        if trainer_is_here():
            charges.append(self._charge(programs.worker("train", ["train"], concurrency=1), ours))
        charges[0].process, charges[1].process = servers.postgres.process, servers.valkey.process
        if self._demo_teacher is not None and self.demo_teacher_port is not None:
            teacher = programs.demo_teacher(self.demo_teacher_port, self._demo_teacher)
            charges.append(self._charge(teacher, {}))
        return charges

    def _charge(self, program: Program, environment: dict[str, str]) -> Charge:
        log = self.servers.logs / f"{program.name}.log"
        return Charge(program.name, log, partial(self._launch, program, environment, log))

    def _launch(
        self, program: Program, environment: dict[str, str], log: Path
    ) -> subprocess.Popen[bytes]:
        # Killed at once when we are: what they were about is in Postgres, which shuts down then.
        child = spawn(
            program.arguments,
            log=log,
            death_signal=signal.SIGKILL,
            environment={**environment, "PYTHONUNBUFFERED": "1"},
            directory=ROOT,
        )
        leftovers.remember(self.servers.run, program.name, child.pid)
        return child

    def _wait_for(self, port: int, host: str = LOOPBACK) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not answers(port, host):
            self.wait(0.05)
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"nothing answers on port {port} after {START_TIMEOUT_S:.0f} s; "
                    f"the logs are in {self.servers.logs}"
                )

    def _connection(self) -> Connection:
        return Connection(
            pid=os.getpid(),
            home=str(self.home),
            postgres_url=self.postgres_url,
            redis_url=self.redis_url,
            api_url=self.api_url,
            demo_teacher_url=self.demo_teacher_url,
        )


def _do_nothing() -> None:
    """Let a signal pass."""
