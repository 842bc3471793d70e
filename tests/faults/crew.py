"""The processes of the service under the supervision that it has in life, to be hurt at will."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from app.embedded import programs
from app.embedded.migrate import ROOT
from app.embedded.process import spawn
from app.embedded.programs import Program
from app.embedded.supervisor import Charge, Supervisor

ENDLESS = 1_000_000
RUNS_S = 90.0
READY = " ready."
PLUGS = Path(__file__).parent / "plugs"
QUICK = {
    "CULTIVAR_LEASE_S": "5",
    "CULTIVAR_HEARTBEAT_S": "0.5",
    "CULTIVAR_SWEEP_S": "1",
    "CULTIVAR_READ_LIMIT_S": "3",
}


@dataclass(frozen=True)
class Shape:
    """Which processes there are, and what is odd about them.

    `skews` gives clocks in libfaketime's words, or the file with them, one for each generate
    worker. `plug` names what
    `plugs/sitecustomize.py` does in every process. `doubtful` puts the workers behind the proxy
    that hides COMMITs. `quick` has short leases and sweeps; else they are the defaults.
    """

    generators: int = 3
    sweepers: int = 0
    skews: tuple[str, ...] = ()
    plug: str | None = None
    doubtful: bool = False
    quick: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """The generate workers."""
        return tuple(f"generate-{number}" for number in range(1, self.generators + 1))


@dataclass(frozen=True)
class Place:
    """Where the processes of a crew write, and what they are told by their environment."""

    home: Path
    environment: Mapping[str, str]
    port: int


@dataclass
class Crew:
    """A shape that runs. Use as a context manager; it leaves no process behind."""

    shape: Shape
    place: Place
    worker_environment: Mapping[str, str] = field(default_factory=dict[str, str])
    clocks: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])

    def __post_init__(self) -> None:
        self.charges = {charge.name: charge for charge in self._charges()}
        self._supervisor = Supervisor([*self.charges.values()], grace_s=5.0, patience=ENDLESS)

    def start(self) -> None:
        """Start every process; they come up by themselves. Logs begin anew."""
        for charge in self.charges.values():
            charge.log.unlink(missing_ok=True)
        self._supervisor.start()

    def is_up(self) -> bool:
        """Whether every worker has been ready once."""
        workers = ("other", *self.shape.names)
        return all(f"{name}@" in (log := self.log(name)) and READY in log for name in workers)

    def stop(self) -> None:
        """End every process, at once."""
        for charge in self.charges.values():
            if charge.process is not None and charge.process.poll() is None:
                charge.process.send_signal(signal.SIGCONT)
        self._supervisor.hurry.set()
        self._supervisor.stop()

    def freeze_workers(self) -> None:
        """Let all but the API stand still, so that nobody starts them again."""
        for name in self.charges.keys() - {"api"}:
            self.signal(name, signal.SIGSTOP)

    def pid(self, name: str) -> int | None:
        """The number of a process, None while it is down."""
        process = self.charges[name].process
        return process.pid if process is not None and process.poll() is None else None

    def signal(self, name: str, number: signal.Signals) -> int:
        """Send a signal to a process and its children; returns which one got it."""
        pid = self.wait_for(name)
        os.killpg(pid, number)
        return pid

    def wait_for(self, name: str, *, other_than: int | None = None) -> int:
        """Wait until a process runs (under another number) and return its number."""
        deadline_s = time.monotonic() + RUNS_S
        while (pid := self.pid(name)) is None or pid == other_than:
            assert time.monotonic() < deadline_s, f"{name} does not run:\n{self.log(name)}"
            time.sleep(0.02)
        return pid

    def wait_until_ended(self, name: str, pid: int, timeout_s: float) -> float:
        """Wait until a process is gone (another may run in its place); returns the seconds."""
        started_s = time.monotonic()
        while self.pid(name) == pid:
            assert time.monotonic() - started_s < timeout_s, f"{name} still runs"
            time.sleep(0.02)
        return time.monotonic() - started_s

    def log(self, name: str) -> str:
        """What a process has written, in all its lives."""
        path = self.place.home / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def logs(self) -> str:
        """The ends of what the generate workers have written."""
        return "\n".join(f"{name}:\n{self.log(name)[-3000:]}" for name in self.shape.names)

    def _charges(self) -> list[Charge]:
        shape = self.shape
        charges = [self._charge(programs.api(self.place.port), {})]
        charges.append(self._worker("other", ["admit", "export"]))
        charges += [self._worker(name, ["generate"]) for name in shape.names]
        for number in range(1, shape.sweepers + 1):
            sweeper = Program(f"sweep-{number}", (sys.executable, "-m", "workers.sweep"))
            charges.append(self._charge(sweeper, self.worker_environment))
        return charges

    def _worker(self, name: str, queues: list[str]) -> Charge:
        own = {**self.worker_environment, **self.clocks.get(name, {})}
        return self._charge(programs.worker(name, queues), own)

    def _charge(self, program: Program, own: Mapping[str, str]) -> Charge:
        log = self.place.home / f"{program.name}.log"
        environment = {**self.place.environment, **(QUICK if self.shape.quick else {}), **own}
        if self.shape.plug is not None:
            environment |= {"PYTHONPATH": f"{PLUGS}:{ROOT}"}
            environment |= {"CULTIVAR_TEST_PLUG": self.shape.plug}
        return Charge(program.name, log, partial(_launch, program, log, environment))


def _launch(program: Program, log: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return spawn(program.arguments, log=log, death_signal=signal.SIGKILL, environment=environment)
