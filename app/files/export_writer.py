"""Finished lines onto disk, so that a file with a good name is always whole."""

import errno
import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import orjson

from app.errors import Conflict, InsufficientStorage

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_HEADROOM = 1.2
_BUFFER_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class WrittenExport:
    """A file that is complete and on disk: its size in bytes, hex sha256 and number of rows."""

    path: Path
    bytes: int
    sha256: str
    rows: int


def write_export(
    directory: Path,
    export_id: str,
    lines: Iterable[Mapping[str, object]],
    *,
    manifest: Mapping[str, object],
    suffix: str = ".jsonl",
    expected_bytes: int = 0,
    open_part: Callable[[Path], BinaryIO] | None = None,
) -> WrittenExport:
    """Write `<id><suffix>` and beside it `<id>.manifest.json`; the manifest gains the counts.

    Lines go through `.<id>.part`, one at a time, and the file takes its name only when all of it
    is on disk; on any failure the part is removed and an earlier export of that id stays as it
    was. Raises InsufficientStorage when less than 1.2 times `expected_bytes` is free or the disk
    fills up, and Conflict while another process writes the same export.
    """
    _check_id(export_id)
    directory.mkdir(parents=True, exist_ok=True)
    _check_space(directory, expected_bytes)
    opened = open_part or open_locked
    target = directory / f"{export_id}{suffix}"
    with (
        _part(directory / f".{export_id}.part", opened) as data,
        _part(directory / f".{export_id}.manifest.part", opened) as beside,
    ):
        written = _write_lines(data.file, lines, target)
        beside.file.write(_manifest_bytes({**manifest, **_counts(written)}))
        data.sync()
        beside.sync()
        # The manifest first: where the data has its good name, its manifest is there.
        beside.path.replace(directory / f"{export_id}.manifest.json")
        data.path.replace(target)
        _sync_directory(directory)
    return written


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


def _check_id(export_id: str) -> None:
    if not _SAFE_ID.fullmatch(export_id):
        raise ValueError(f"an export id cannot be {export_id!r}")


def _check_space(directory: Path, expected_bytes: int) -> None:
    needed = int(expected_bytes * _HEADROOM)
    if shutil.disk_usage(directory).free < needed:
        raise _too_little_space(directory, needed)


def _too_little_space(directory: Path, needed: int | None = None) -> InsufficientStorage:
    free = shutil.disk_usage(directory).free
    wanted = "" if needed is None else f", {needed:,} are needed"
    detail = f"The disk has {free:,} bytes free{wanted}; make room and ask for the export again."
    return InsufficientStorage(detail)


@dataclass(frozen=True, slots=True)
class _Part:
    path: Path
    file: BinaryIO

    def sync(self) -> None:
        self.file.flush()
        os.fsync(self.file.fileno())


@contextmanager
def _part(path: Path, opened: Callable[[Path], BinaryIO]) -> Iterator[_Part]:
    """A file that whoever writes it renames in the end, and that is removed if anything fails."""
    file = opened(path)
    renamed = False
    try:
        yield _Part(path, file)
        renamed = True
    except OSError as error:
        if error.errno in _DISK_FULL:
            raise _too_little_space(path.parent) from error
        raise
    finally:
        if not renamed:
            path.unlink(missing_ok=True)
        _close(file)


def _close(file: BinaryIO) -> None:
    """Close a file whose last bytes may find the disk full; they were either synced or given up."""
    try:
        file.close()
    except OSError as error:
        if error.errno not in _DISK_FULL:
            raise


def _write_lines(
    file: BinaryIO, lines: Iterable[Mapping[str, object]], target: Path
) -> WrittenExport:
    digest = hashlib.sha256()
    size = rows = 0
    for line in lines:
        data = orjson.dumps(line, default=_plain, option=orjson.OPT_APPEND_NEWLINE)
        file.write(data)
        digest.update(data)
        size += len(data)
        rows += 1
    return WrittenExport(target, size, digest.hexdigest(), rows)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _manifest_bytes(manifest: Mapping[str, object]) -> bytes:
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(manifest, default=_plain, option=options)


def _counts(written: WrittenExport) -> Mapping[str, object]:
    return {
        "file": written.path.name,
        "bytes": written.bytes,
        "sha256": written.sha256,
        "rows": written.rows,
    }


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
