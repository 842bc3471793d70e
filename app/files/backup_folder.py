"""A backup on disk: tables, files and a manifest in a folder that has its name only when whole.

Whoever reads one checks every sha256 first, and the manifest's own, so a torn or altered backup is
told from a good one before anything is touched.
"""

import hashlib
import os
import shutil
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

import orjson

from app.errors import Conflict, InsufficientStorage, InvalidInput
from app.files.export_parts import DISK_FULL, Counted, sync_directory

SCHEMA = 1
_MANIFEST = "manifest.json"
_GZIP_LEVEL = 1
_GZIP_HEADER = 16 + zlib.MAX_WBITS
_BLOCK = 1 << 20

Facts = Mapping[str, object]


@dataclass(slots=True)
class BackupWriter:
    """A backup while it is written; `members` says of each file in it its size and sha256."""

    folder: Path
    members: dict[str, Facts] = field(default_factory=dict[str, Facts])

    def add_blocks(self, name: str, blocks: Iterable[bytes]) -> None:
        """Store blocks as one compressed file."""
        squeeze = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_HEADER)
        with self._opened(name) as counted:
            for block in blocks:
                counted.write(squeeze.compress(block))
            counted.write(squeeze.flush())

    def add_bytes(self, name: str, content: bytes) -> None:
        """Store a small file."""
        with self._opened(name) as counted:
            counted.write(content)

    def add_file(self, name: str, source: Path) -> bool:
        """Store a copy; False when the file is gone meanwhile."""
        try:
            given = source.open("rb")
        except FileNotFoundError:
            return False
        with given, self._opened(name) as counted:
            while block := given.read(_BLOCK):
                counted.write(block)
        return True

    @contextmanager
    def _opened(self, name: str) -> Iterator[Counted]:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _private(path) as file:
            counted = Counted(file)
            yield counted
            file.flush()
            os.fsync(file.fileno())
        self.members[name] = {"bytes": counted.bytes, "sha256": counted.sha256}


@contextmanager
def written_backup(target: Path, facts: dict[str, object]) -> Iterator[BackupWriter]:
    """Give a folder to fill; it becomes `target` at the end, with a manifest of these facts.

    On any failure nothing is left. Raises Conflict when the target exists, InsufficientStorage when
    the disk fills up, InvalidInput when it cannot be written.
    """
    if target.exists():
        raise Conflict(f"{target} exists already; a backup takes a name that is free.")
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.mkdir(mode=0o700)
        writer = BackupWriter(part)
        yield writer
        _seal(part, {**facts, "members": writer.members})
        part.rename(target)
        sync_directory(target.parent)
    except OSError as error:
        raise _refused(target, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _refused(target: Path, error: OSError) -> Exception:
    if error.errno in DISK_FULL:
        free = shutil.disk_usage(target.parent).free
        return InsufficientStorage(f"The disk of {target} has {free:,} bytes free: too few.")
    return InvalidInput(f"cannot write {target}: {error.strerror or error}")


def _seal(folder: Path, facts: Facts) -> None:
    whole = {"schema": SCHEMA, **facts}
    told = orjson.dumps({**whole, "sha256": _own_digest(whole)}, option=orjson.OPT_INDENT_2)
    with _private(folder / _MANIFEST) as file:
        file.write(told + b"\n")
        file.flush()
        os.fsync(file.fileno())
    for each in sorted({path.parent for path in folder.rglob("*")}):
        sync_directory(each)


def _own_digest(facts: Facts) -> str:
    return hashlib.sha256(orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _private(path: Path) -> BinaryIO:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return os.fdopen(descriptor, "wb", buffering=_BLOCK)


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup whose every byte has been checked."""

    folder: Path
    manifest: Mapping[str, Any]

    def blocks(self, name: str) -> Iterator[bytes]:
        """What `add_blocks` was given."""
        expand = zlib.decompressobj(_GZIP_HEADER)
        with (self.folder / name).open("rb") as file:
            while block := file.read(_BLOCK):
                yield expand.decompress(block)
        yield expand.flush()

    def names(self, folder: str) -> Iterator[str]:
        """The members below one of its folders."""
        members = cast("Mapping[str, Facts]", self.manifest["members"])
        return (name for name in members if name.startswith(f"{folder}/"))


def read_backup(folder: Path) -> Backup:
    """Check all of a backup and give it; raises InvalidInput that says what is wrong with it."""
    manifest = _manifest(folder)
    members = cast("Mapping[str, Facts]", manifest["members"])
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    strange = sorted(found - {*members, _MANIFEST})
    if strange:
        raise _torn(f"{strange[0]} does not belong to it")
    for name, facts in members.items():
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise _torn(f"its manifest names {name}")
        _check_member(folder / name, name, facts)
    return Backup(folder, manifest)


def _check_member(path: Path, name: str, facts: Facts) -> None:
    if not path.is_file() or path.is_symlink():
        raise _torn(f"{name} is missing")
    if path.stat().st_size != facts["bytes"]:
        raise _torn(f"{name} has {path.stat().st_size:,} bytes and should have {facts['bytes']:,}")
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != facts["sha256"]:
            raise _torn(f"{name} has another content than when it was written")


def _manifest(folder: Path) -> Mapping[str, Any]:
    path = folder / _MANIFEST
    if not path.is_file():
        raise InvalidInput(
            f"{folder} is not a whole backup: it has no {_MANIFEST}.", code="backup_torn"
        )
    try:
        found = cast("dict[str, Any]", orjson.loads(path.read_bytes()))
        digest = found.pop("sha256")
    except (ValueError, KeyError, AttributeError) as error:
        raise _torn(f"its {_MANIFEST} cannot be read") from error
    if digest != _own_digest(found):
        raise _torn(f"its {_MANIFEST} was altered")
    if found["schema"] != SCHEMA:
        raise InvalidInput("The backup was made by a later version of this program.")
    return found


def _torn(what: str) -> InvalidInput:
    return InvalidInput(f"The backup cannot be trusted: {what}.", code="backup_torn")
