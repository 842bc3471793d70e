"""Runs a command and tells what it and all its descendants took, those that nobody waited for too.

`Tree(command).wait()` starts this module as a process beside it, which becomes the reaper of every
descendant: processor time and the largest process come from wait4 and so miss none; memory is also
looked at twice a second, summed over the tree (PSS, so that shared pages count once), and the
larger of the two counts. `kill()` ends the whole tree with SIGKILL.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LOOK_S = 0.5
GRACE_S = 5.0  # for descendants that outlive the command


@dataclass(frozen=True)
class Took:
    """What a command took; `status` is negative where a signal ended it."""

    status: int
    cpu_s: float
    peak_mb: float
    wall_s: float
    output: str = ""
    errors: str = ""
    timed_out: bool = False


class Tree:
    """A command that is running, with all that it starts."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._paths = {name: Path(self._folder.name, name) for name in ("report", "out", "err")}
        launcher = [sys.executable, str(Path(__file__)), str(self._paths["report"]), *command]
        # Held back until the launcher can take it, so that no kill comes too soon.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        with self._paths["out"].open("wb") as output, self._paths["err"].open("wb") as errors:
            self._process = subprocess.Popen(
                launcher, stdout=output, stderr=errors, env=environment, cwd=directory
            )
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    @property
    def running(self) -> bool:
        """Whether the command or a descendant still runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End them all the hard way."""
        self._process.send_signal(signal.SIGTERM)

    def wait(self, timeout_s: float | None = None) -> Took:
        """Wait for the end of them all; past `timeout_s` they are killed."""
        timed_out = False
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            timed_out = True
            self.kill()
            self._process.wait()
        with self._folder:
            output = self._paths["out"].read_text(errors="replace")
            errors = self._paths["err"].read_text(errors="replace")
            if not self._paths["report"].exists():
                raise RuntimeError(f"no report of the command: {errors[-500:]}")
            report = json.loads(self._paths["report"].read_text())
        return Took(**report, output=output, errors=errors, timed_out=timed_out)


def die_with_parent() -> None:
    """Have this process get SIGTERM when the one that started it is gone."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def descendants(pid: int) -> list[int]:
    """Every process below one, as far as they last while being asked for."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(word) for word in task.read_text().split()]
        except OSError:
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found


def pss_mb(pid: int) -> float:
    """The memory of a process, shared pages divided among those that share them."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


class Launcher:
    """The process beside the command: reaps, counts, and kills when told."""

    def __init__(self) -> None:
        self.killing = threading.Event()
        self.ended = threading.Event()
        self.status = 0
        self.cpu_s = 0.0
        self.largest_mb = 0.0
        self.most_mb = 0.0

    def run(self, command: list[str]) -> dict[str, float]:
        """Start the command and return once no descendant is left."""
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        signal.signal(signal.SIGTERM, lambda *_: self.killing.set())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        die_with_parent()
        started_s = time.monotonic()
        child = os.posix_spawnp(command[0], command, os.environ)
        watcher = threading.Thread(target=self._watch)
        watcher.start()
        self._reap(child)
        self.ended.set()
        watcher.join()
        return {
            "status": self.status,
            "cpu_s": self.cpu_s,
            "peak_mb": max(self.most_mb, self.largest_mb),
            "wall_s": time.monotonic() - started_s,
        }

    def _reap(self, child: int) -> None:
        while True:
            try:
                pid, status, usage = os.wait4(-1, 0)
            except ChildProcessError:
                return
            self.cpu_s += usage.ru_utime + usage.ru_stime
            self.largest_mb = max(self.largest_mb, usage.ru_maxrss / 1024)
            if pid == child:
                self.status = os.waitstatus_to_exitcode(status)
                timer = threading.Timer(GRACE_S, self.killing.set)
                timer.daemon = True
                timer.start()

    def _watch(self) -> None:
        while not self.ended.is_set():
            below = descendants(os.getpid())
            if self.killing.is_set():
                for pid in below:
                    _kill(pid)
            else:
                self.most_mb = max(self.most_mb, sum(pss_mb(pid) for pid in below))
            if self.killing.wait(LOOK_S):
                self.ended.wait(0.05)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(Launcher().run(sys.argv[2:])))
