"""A demo teacher beside a service that runs already, for as long as one command needs it."""

import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from app.embedded import programs
from app.embedded.migrate import ROOT
from app.embedded.ports import LOOPBACK, answers, free_port
from app.embedded.process import spawn
from app.embedded.supervisor import Charge, Supervisor

LOOK_EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class TeacherBeside:
    """Where it answers, as the OpenAI SDK wants it; `check` raises when it cannot be kept up."""

    base_url: str
    check: Callable[[], None]


@contextmanager
def demo_teacher_beside(home: Path) -> Iterator[TeacherBeside]:
    """Start the scripted teacher, kept running until the block ends; its log is in `home`.

    Raises EmbeddedError when it does not start.
    """
    port = free_port()
    log = home / "logs" / "demo-teacher.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    program = programs.demo_teacher(port, ())
    supervisor = Supervisor([Charge(program.name, log, partial(_launch, program.arguments, log))])
    supervisor.start()
    try:
        while not answers(port):
            supervisor.wait(LOOK_EVERY_S)
        yield TeacherBeside(f"http://{LOOPBACK}:{port}/v1", supervisor.check)
    finally:
        supervisor.stop()


def _launch(arguments: tuple[str, ...], log: Path) -> subprocess.Popen[bytes]:
    return spawn(arguments, log=log, death_signal=signal.SIGKILL, directory=ROOT)
