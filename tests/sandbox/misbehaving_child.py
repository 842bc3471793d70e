"""A child that is ready and then does what the first message says, good or bad."""

import os
import resource
import socket
import sys
import time
from collections.abc import Callable

from app.sandbox.frames import packed, read_frame
from app.sandbox.limits import confine


def main() -> None:
    """Be ready, then do one thing."""
    read_frame(sys.stdin.buffer)
    confine(256 << 20)
    say(packed("ready"))
    wish = str(read_frame(sys.stdin.buffer))
    ACTS[wish]()


def say(message: bytes) -> None:
    sys.stdout.buffer.write(message)
    sys.stdout.buffer.flush()


def flood() -> None:
    say((1 << 31).to_bytes(4, "big"))
    while True:
        say(b"x" * 65536)


def confess() -> None:
    """Try everything that is forbidden and say what worked."""
    attempts: dict[str, Callable[[], object]] = {
        "read": lambda: open("/etc/hostname", "rb"),  # noqa: PTH123, SIM115
        "socket": socket.socket,
        "fork": fork,
        "memory": lambda: bytearray(1 << 30),
        "raise": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (9, 9)),
    }
    say(packed({"environment": sorted(os.environ), "worked": sorted(working(attempts))}))


def fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def working(attempts: dict[str, Callable[[], object]]) -> list[str]:
    found: list[str] = []
    for name, attempt in attempts.items():
        try:
            attempt()
        except (OSError, ValueError, MemoryError):
            continue
        found.append(name)
    return found


ACTS: dict[str, Callable[[], object]] = {
    "sleep": lambda: time.sleep(600),
    "flood": flood,
    "babble": lambda: say(b"\0\0\0\5hello"),
    "leave": lambda: sys.exit(3),
    "confess": confess,
}
