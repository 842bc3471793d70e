"""The directory of an instance: one at a time, and a note of where the running one is reached."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from app.embedded.errors import EmbeddedError, HomeInUseError
from app.embedded.postgres import write_secret

PATIENCE_S = 1.0  # somebody who only looks whether the lock is free holds it for a moment
CONNECTION = "connection.json"


@dataclass(frozen=True)
class Connection:
    """Where a running instance is reached; the addresses hold passwords."""

    pid: int
    home: str
    postgres_url: str
    redis_url: str
    api_url: str | None = None
    demo_teacher_url: str | None = None


@contextmanager
def held(home: Path) -> Iterator[None]:
    """Hold a directory, made if need be, until the end of the block.

    The operating system lets go of it when this process ends, however it ends. Raises
    HomeInUseError, which names the other process.
    """
    _make(home)
    descriptor = os.open(home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _locked(descriptor, PATIENCE_S):
            holder = os.pread(descriptor, 32, 0).decode("ascii", errors="replace").strip()
            raise HomeInUseError(f"{home} is in use by process {holder or 'unknown'}")
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        yield
    finally:
        os.close(descriptor)


def publish(home: Path, connection: Connection) -> None:
    """Write down where this instance is reached, readable by its owner only."""
    passing = home / f"{CONNECTION}.new"
    write_secret(passing, json.dumps(asdict(connection), indent=2))
    passing.replace(home / CONNECTION)


def withdraw(home: Path) -> None:
    """Remove the note; the instance is about to stop."""
    (home / CONNECTION).unlink(missing_ok=True)


def running_instance(home: Path) -> Connection | None:
    """Return where the instance of this directory is reached; None when none runs.

    A note that a killed instance left behind counts for nothing: nobody holds the directory.
    """
    note = home / CONNECTION
    if not note.exists() or not _is_held(home):
        return None
    try:
        return Connection(**json.loads(note.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None  # withdrawn in between, or of another version


def _make(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise EmbeddedError(f"cannot make {home}: {error.strerror}") from error
    if not os.access(home, os.W_OK | os.X_OK):
        raise EmbeddedError(f"cannot write to {home}")


def _is_held(home: Path) -> bool:
    try:
        descriptor = os.open(home / "lock", os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        return not _locked(descriptor, patience_s=0)
    finally:
        os.close(descriptor)


def _locked(descriptor: int, patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        else:
            return True
