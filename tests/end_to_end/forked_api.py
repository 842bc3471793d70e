"""A web process that is there again at once: forked off one that has imported and built everything.

As a program it forks with each line that it reads, says the child's id, and the child becomes what
`app.embedded.programs.api` starts. Only that is saved, so 500 restarts take minutes.
"""

import importlib
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from uvicorn.main import main as serve

from app.embedded import programs
from tests.end_to_end.fleet import Fleet

GONE_S = 10.0


class ForkedFleet(Fleet):
    """A fleet whose web process is forked; to be killed like the other."""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", __name__, *programs.api(self.port).arguments[3:]]
        self._output = (self.home / "api.log").open("ab")
        self._origin = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._output,
            env={**os.environ, **self.environment},
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._origin.communicate()  # its input ends, and it ends its child
        self._output.close()

    def start_api(self) -> None:
        """The web process; returns when it is ready."""
        assert self._origin.stdin is not None
        assert self._origin.stdout is not None
        self._origin.stdin.write(b"\n")
        self._origin.stdin.flush()
        self._pid = int(self._origin.stdout.readline())
        self.wait_for_api()

    def kill(self, name: str) -> None:
        """Kill it and all its children the hard way."""
        assert name == "api"
        os.killpg(self._pid, signal.SIGKILL)
        deadline_s = time.monotonic() + GONE_S
        while Path(f"/proc/{self._pid}").exists():
            assert time.monotonic() < deadline_s, "killed and still there"
            time.sleep(0.005)


def main(arguments: list[str]) -> None:
    """Fork for each line, until there are no more."""
    module = importlib.import_module("app.main")
    built = module.create_app()  # its runtime comes with its start
    vars(module)["create_app"] = lambda: built
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the killed
    child = 0
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            _become(arguments)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL) if child else None


def _become(arguments: list[str]) -> None:
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    serve(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
