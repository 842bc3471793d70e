"""Starts a demo teacher as a process of its own and talks to it, for any test that needs one."""

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parents[1]
STOP_S = 5.0


class DemoTeacherDied(Exception):
    """The process ended before it was ready; the message holds what it printed."""


@dataclass
class RunningTeacher:
    """A demo teacher that answers at `base_url` (with `/v1`) until it is stopped."""

    base_url: str
    process: subprocess.Popen[str]

    @property
    def root_url(self) -> str:
        """The address without `/v1`."""
        return self.base_url.removesuffix("/v1")

    def stats(self) -> dict[str, Any]:
        """What `GET /stats` tells."""
        with urllib.request.urlopen(f"{self.root_url}/stats", timeout=10) as reply:  # noqa: S310
            return json.load(reply)

    def reset(self) -> None:
        """Forget counts, attempts and used replies."""
        request = urllib.request.Request(f"{self.root_url}/reset", method="POST")  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310
            reply.read()

    def stop(self) -> None:
        """End the process; harmless when it is gone already."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(STOP_S)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start_demo_teacher(**options: Any) -> RunningTeacher:
    """Start one with the flags of its command line as keywords, and wait until it listens.

    `latency_s=0.5` is `--latency-s 0.5`; True is a bare flag, None and False leave it out; a list
    repeats it; a mapping repeats it as KEY=VALUE (`replay={"propose": path}`) or, for `faults`,
    joins it (`faults={"429": 0.1}`). It dies with this process.
    """
    words = [word for name, value in options.items() for word in _words(name, value)]
    process = subprocess.Popen(
        [sys.executable, "-m", "app.demo_teacher", "--parent-death", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=None,
        text=True,
    )
    return RunningTeacher(_base_url(process), process)


def _words(name: str, value: Any) -> list[str]:
    flag = "--" + name.replace("_", "-")
    if value is None or value is False:
        return []
    if value is True:
        return [flag]
    if isinstance(value, Mapping):
        pairs = [f"{key}={item}" for key, item in value.items()]
        return [flag, ",".join(pairs)] if name == "faults" else _repeated(flag, pairs)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _repeated(flag, value)
    return [flag, str(value)]


def _repeated(flag: str, values: Sequence[Any]) -> list[str]:
    return [word for value in values for word in (flag, str(value))]


def _base_url(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if " at " not in line:
        process.stdout.close()
        process.wait(STOP_S)
        raise DemoTeacherDied(f"it ended with status {process.returncode}: {line}")
    return line.strip().rpartition(" at ")[2]
