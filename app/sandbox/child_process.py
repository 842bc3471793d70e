"""The parent's side of a child: start it, write to it, read from it, and never wait for ever."""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson

from app.domain.templates import SkipReason
from app.sandbox.frames import HEADER_BYTES, body_bytes, packed

_ROOT = Path(__file__).resolve().parents[2]
_PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); import {0} as child; child.main()"
_READ_BYTES = 1 << 16


class ChildGone(Exception):
    """The child ended, or was ended, before it answered."""

    def __init__(self, reason: SkipReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class ChildProcess:
    """A fresh interpreter without environment, files or standard error; ends with its parent.

    `module` has a function `main`. Raises ChildGone when it does not say that it is ready.
    """

    def __init__(
        self, module: str, setup: Mapping[str, object], *, start_s: float, frame_bytes: int
    ) -> None:
        self._frame_bytes = frame_bytes
        self._arrived = bytearray()
        self._process = _started(module)
        try:
            os.set_blocking(self._writing, False)
            self.send(setup, start_s)
            self.receive(start_s)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def send(self, message: object, timeout_s: float) -> None:
        """Write a message; raises ChildGone."""
        self.send_framed(packed(message), timeout_s)

    def send_framed(self, frame: bytes, timeout_s: float) -> None:
        """Write a message that is framed already; raises ChildGone."""
        waiting, deadline = memoryview(frame), time.monotonic() + timeout_s
        while waiting:
            self._wait_for(self._writing, selectors.EVENT_WRITE, deadline)
            try:
                waiting = waiting[os.write(self._writing, waiting) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise self._gone() from None

    def receive(self, timeout_s: float) -> object:
        """The next message; raises ChildGone."""
        deadline = time.monotonic() + timeout_s
        length = body_bytes(self._taken(HEADER_BYTES, deadline))
        if length > self._frame_bytes:
            raise ChildGone(SkipReason.CRASHED, "the child's answer is too long to be one")
        try:
            return orjson.loads(self._taken(length, deadline))
        except orjson.JSONDecodeError:
            raise ChildGone(SkipReason.CRASHED, "the child's answer is no answer") from None

    def close(self) -> None:
        """End the child, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    @property
    def _writing(self) -> int:
        assert self._process.stdin is not None  # noqa: S101 - Popen was asked for a pipe
        return self._process.stdin.fileno()

    @property
    def _reading(self) -> int:
        assert self._process.stdout is not None  # noqa: S101 - Popen was asked for a pipe
        return self._process.stdout.fileno()

    def _taken(self, count: int, deadline: float) -> bytes:
        while len(self._arrived) < count:
            self._wait_for(self._reading, selectors.EVENT_READ, deadline)
            more = os.read(self._reading, _READ_BYTES)
            if not more:
                raise self._gone()
            self._arrived += more
        taken = bytes(self._arrived[:count])
        del self._arrived[:count]
        return taken

    def _wait_for(self, pipe: int, event: int, deadline: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, event)
            if not selector.select(max(0.0, deadline - time.monotonic())):
                self._process.kill()
                raise ChildGone(SkipReason.WALL_TIME, "it did not end in time")

    def _gone(self) -> ChildGone:
        self._process.kill()  # it has closed its pipe, so it is ending or has nothing more to say
        ended = -self._process.wait()
        if ended in (signal.SIGPROF, signal.SIGXCPU):
            return ChildGone(SkipReason.CPU_TIME, "it used up its processor time")
        name = signal.Signals(ended).name if ended > 0 else f"status {-ended}"
        return ChildGone(SkipReason.CRASHED, f"it ended the process it ran in ({name})")


def _started(module: str) -> subprocess.Popen[bytes]:
    program = _PROGRAM.format(module)
    return subprocess.Popen(
        [sys.executable, "-I", "-X", "utf8", "-c", program, str(_ROOT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
        start_new_session=True,
        bufsize=0,
    )
