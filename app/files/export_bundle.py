"""Finished lines onto disk as one zip: a folder for each split, and what explains them."""

import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from app.domain.packaging import Container
from app.files.containers import Line, LineSink, encoded, open_container
from app.files.export_parts import (
    Counted,
    check_id,
    open_locked,
    part,
    sync_directory,
    told_when_full,
)
from app.files.export_writer import WrittenExport, manifest_bytes

# The earliest time that a zip can hold: the same files must give the same bytes.
_NO_TIME = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o644 << 16


@dataclass(frozen=True, slots=True)
class BundledFile:
    """One data file of a bundle: its name there, its split, size in bytes, hex sha256 and rows."""

    name: str
    split: str
    bytes: int
    sha256: str
    rows: int


# From the data files to what lies beside them, by name.
Companions = Callable[[Sequence[BundledFile]], Mapping[str, bytes]]


def write_bundle(
    directory: Path,
    export_id: str,
    lines: Iterable[tuple[str, Line]],
    *,
    container: Container,
    companions: Companions,
    manifest: Mapping[str, object],
    shard_bytes: int = 0,
    one_file: bool = False,
    expected_bytes: int = 0,
) -> tuple[WrittenExport, Sequence[BundledFile]]:
    """Write `<id>.zip` from lines with their splits, and beside it `<id>.manifest.json`.

    A split is a folder of `part-00000` and so on, none with more than `shard_bytes` of lines (0: as
    many as there are) unless one line alone is longer; with `one_file` all lines are in one file
    called `data`. The same lines give the same bytes. Failures leave nothing, as in `write_export`.
    """
    check_id(export_id)
    target = directory / f"{export_id}.zip"
    with (
        told_when_full(directory, expected_bytes),
        part(directory / f".{export_id}.part", open_locked) as packed,
        part(directory / f".{export_id}.manifest.part", open_locked) as beside,
        _workshop(directory / f".{export_id}.files") as workshop,
    ):
        with ExitStack() as opened:
            shelf = _Shelf(workshop, container, shard_bytes, one_file, opened)
            for split, line in lines:
                shelf.put(split, line)
            files = shelf.close()
        written = _packed(packed.file, workshop, companions(files), files, target)
        beside.file.write(manifest_bytes({**manifest, **_counts(written, files)}))
        packed.sync()
        beside.sync()
        beside.path.replace(directory / f"{export_id}.manifest.json")
        packed.path.replace(target)
        sync_directory(directory)
    return written, files


@contextmanager
def _workshop(path: Path) -> Iterator[Path]:
    """An empty directory that is gone afterwards; what a killed process left there goes first."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@dataclass(slots=True)
class _Open:
    """A data file that is being written."""

    name: str
    split: str
    file: BinaryIO
    counted: Counted
    sink: LineSink
    rows: int = 0
    line_bytes: int = 0

    def done(self) -> BundledFile:
        self.sink.close()
        self.file.close()
        counted = self.counted
        return BundledFile(self.name, self.split, counted.bytes, counted.sha256, self.rows)


@dataclass(slots=True)
class _Shelf:
    """The data files by split, of which one is open for each."""

    directory: Path
    container: Container
    shard_bytes: int
    one_file: bool
    opened: ExitStack
    _open: dict[str, _Open] = field(default_factory=dict[str, _Open])
    _done: list[BundledFile] = field(default_factory=list[BundledFile])

    def put(self, split: str, line: Line) -> None:
        """Add a line to its split, in a new file if this one would become too large."""
        data = encoded(line)
        where = "" if self.one_file else split
        current = self._open.get(where)
        full = current is not None and 0 < self.shard_bytes < current.line_bytes + len(data)
        if current is None or full:
            current = self._next(where, current)
        current.sink.write(line, data)
        current.rows += 1
        current.line_bytes += len(data)

    def close(self) -> Sequence[BundledFile]:
        """Finish all files; they are told in the order of splits and parts."""
        if self.one_file and not self._open:
            self._next("", None)
        self._done += [each.done() for each in self._open.values()]
        return sorted(self._done, key=lambda each: each.name)

    def _next(self, where: str, current: _Open | None) -> _Open:
        if current is not None:
            self._done.append(current.done())
        number = sum(each.split == where for each in self._done)
        stem = f"{where}/part-{number:05d}" if where else "data"
        path = self.directory / f"{stem}{self.container.suffix}"
        path.parent.mkdir(exist_ok=True)
        file = self.opened.enter_context(path.open("wb"))
        counted = Counted(file)
        sink = open_container(self.container, cast("BinaryIO", counted))
        name = f"{stem}{self.container.suffix}"
        self._open[where] = _Open(name, where, file, counted, sink)
        return self._open[where]


def _packed(
    file: BinaryIO,
    workshop: Path,
    companions: Mapping[str, bytes],
    files: Sequence[BundledFile],
    target: Path,
) -> WrittenExport:
    # Without `seek`, zipfile writes from front to back, so that one pass gives the digest too.
    counted = Counted(file)
    with zipfile.ZipFile(cast("BinaryIO", counted), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in companions.items():
            archive.writestr(_entry(name), content)
        for each in files:
            with (
                (workshop / each.name).open("rb") as source,
                archive.open(_entry(each.name), "w", force_zip64=True) as entry,
            ):
                shutil.copyfileobj(source, entry, 1 << 20)
    rows = sum(each.rows for each in files)
    return WrittenExport(target, counted.bytes, counted.sha256, rows)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _NO_TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = _READABLE
    entry.create_system = 3
    return entry


def _counts(written: WrittenExport, files: Sequence[BundledFile]) -> Mapping[str, object]:
    return {
        "file": written.path.name,
        "bytes": written.bytes,
        "sha256": written.sha256,
        "rows": written.rows,
        "files": [file_facts(each) for each in files],
    }


def file_facts(file: BundledFile) -> Mapping[str, object]:
    """What a manifest says of a data file."""
    return {
        "name": file.name,
        "rows": file.rows,
        "bytes": file.bytes,
        "sha256": file.sha256,
        **({"split": file.split} if file.split else {}),
    }
