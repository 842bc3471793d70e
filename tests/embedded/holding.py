"""Starting the process that holds servers, and looking at what it left."""

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.embedded.migrate import ROOT
from app.embedded.process import identity, wait_until_gone


@dataclass(frozen=True)
class Holder:
    """A running process that holds servers, and what it said of them."""

    process: subprocess.Popen[str]
    postgres: int
    valkey: int
    postgres_url: str
    redis_url: str

    def end(self, number: signal.Signals) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(30)

    def servers_are_gone(self) -> bool:
        """Tell whether both servers end within a few seconds."""
        return all(wait_until_gone(pid, timeout_s=10) for pid in (self.postgres, self.valkey))


@contextmanager
def holder(home: Path) -> Iterator[Holder]:
    """Give a process that runs servers in `home`; it is ended afterwards if it still runs."""
    with tempfile.TemporaryFile("w+") as complaints:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.embedded.hold_servers", str(home)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            start_new_session=True,
        )
        with process:
            assert process.stdout is not None
            line = process.stdout.readline()
            complaints.seek(0)
            assert line, complaints.read()
            told = json.loads(line)
            pid = told.pop("pid")
            assert pid == process.pid
            assert identity(pid) is not None
            try:
                yield Holder(process, **told)
            finally:
                process.terminate()
