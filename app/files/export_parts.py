"""Files that whoever writes them renames in the end, so that a good name is always whole."""

import errno
import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from app.errors import Conflict, InsufficientStorage

DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_HEADROOM = 1.2
_BUFFER_BYTES = 1024 * 1024


def open_locked(path: Path) -> BinaryIO:
    """Open an empty file for writing that no other process is writing; raises Conflict if so."""
    # Truncating waits for the lock: a file left by a killed process is emptied, a live one is not.
    file = path.open("ab", buffering=_BUFFER_BYTES)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(file.fileno()).st_ino != path.stat().st_ino:
            raise FileNotFoundError(path)
    except (BlockingIOError, FileNotFoundError) as error:
        file.close()
        raise Conflict("This export is being written by another process.") from error
    file.truncate(0)
    return file


def check_id(export_id: str) -> None:
    """Raise ValueError unless it can be the name of a file."""
    if not _SAFE_ID.fullmatch(export_id):
        raise ValueError(f"an export id cannot be {export_id!r}")


def check_space(directory: Path, expected_bytes: int) -> None:
    """Raise InsufficientStorage when less than 1.2 times so many bytes are free."""
    needed = int(expected_bytes * _HEADROOM)
    if shutil.disk_usage(directory).free < needed:
        raise _too_little_space(directory, needed)


def _too_little_space(directory: Path, needed: int | None = None) -> InsufficientStorage:
    free = shutil.disk_usage(directory).free
    wanted = "" if needed is None else f", {needed:,} are needed"
    detail = f"The disk has {free:,} bytes free{wanted}; make room and ask for the export again."
    return InsufficientStorage(detail)


@contextmanager
def told_when_full(directory: Path, expected_bytes: int = 0) -> Iterator[None]:
    """Raise InsufficientStorage where the block finds the disk full.

    Where it is known how much will be written, that says so before the first byte.
    """
    directory.mkdir(parents=True, exist_ok=True)
    check_space(directory, expected_bytes)
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        needed = int(expected_bytes * _HEADROOM) or None
        raise _too_little_space(directory, needed) from error


@dataclass(frozen=True, slots=True)
class Part:
    """One such file, open for writing."""

    path: Path
    file: BinaryIO

    def sync(self) -> None:
        """Wait until all of it is on disk."""
        self.file.flush()
        os.fsync(self.file.fileno())


@contextmanager
def part(path: Path, opened: Callable[[Path], BinaryIO]) -> Iterator[Part]:
    """A file that whoever writes it renames in the end, and that is removed if anything fails."""
    file = opened(path)
    renamed = False
    try:
        yield Part(path, file)
        renamed = True
    finally:
        if not renamed:
            path.unlink(missing_ok=True)
        _close(file)


def _close(file: BinaryIO) -> None:
    """Close a file whose last bytes may find the disk full; they were either synced or given up."""
    try:
        file.close()
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise


def sync_directory(directory: Path) -> None:
    """Wait until the names of a directory are on disk."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Counted:
    """Passes bytes on to a file and knows how many there were and their sha256."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.bytes = 0

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    @property
    def closed(self) -> bool:
        return False

    def write(self, data: bytes) -> int:
        """Write and count."""
        data = bytes(data)
        self._file.write(data)
        self._digest.update(data)
        self.bytes += len(data)
        return len(data)

    def tell(self) -> int:
        """How many bytes were written."""
        return self.bytes

    def flush(self) -> None:
        """Pass it on."""
        self._file.flush()
