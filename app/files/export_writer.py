"""Finished lines onto disk as one file, which has its good name only when it is whole."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import orjson

from app.domain.packaging import Container
from app.files.containers import Line, encoded, open_container
from app.files.export_parts import (
    Counted,
    check_id,
    open_locked,
    part,
    sync_directory,
    told_when_full,
)


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
    lines: Iterable[Line],
    *,
    manifest: Mapping[str, object],
    container: Container = Container.JSONL,
    expected_bytes: int = 0,
    open_part: Callable[[Path], BinaryIO] = open_locked,
) -> WrittenExport:
    """Write `<id>.<container>` and beside it `<id>.manifest.json`; the manifest gains the counts.

    Lines go through `.<id>.part`, one at a time, and the file takes its name only when all of it
    is on disk; on any failure the part is removed and an earlier export of that id stays as it
    was. Raises InsufficientStorage when less than 1.2 times `expected_bytes` is free or the disk
    fills up, and Conflict while another process writes the same export.
    """
    check_id(export_id)
    target = directory / f"{export_id}{container.suffix}"
    with (
        told_when_full(directory, expected_bytes),
        part(directory / f".{export_id}.part", open_part) as data,
        part(directory / f".{export_id}.manifest.part", open_part) as beside,
    ):
        written = _write_lines(data.file, lines, container, target)
        beside.file.write(manifest_bytes({**manifest, **_counts(written)}))
        data.sync()
        beside.sync()
        # The manifest first: where the data has its good name, its manifest is there.
        beside.path.replace(directory / f"{export_id}.manifest.json")
        data.path.replace(target)
        sync_directory(directory)
    return written


def manifest_bytes(manifest: Mapping[str, object]) -> bytes:
    """A manifest as JSON for people and programs; the same facts give the same bytes."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(manifest, default=dict, option=options)


def _write_lines(
    file: BinaryIO, lines: Iterable[Line], container: Container, target: Path
) -> WrittenExport:
    counted, rows = Counted(file), 0
    sink = open_container(container, cast("BinaryIO", counted))
    for line in lines:
        sink.write(line, encoded(line))
        rows += 1
    sink.close()
    return WrittenExport(target, counted.bytes, counted.sha256, rows)


def _counts(written: WrittenExport) -> Mapping[str, object]:
    return {
        "file": written.path.name,
        "bytes": written.bytes,
        "sha256": written.sha256,
        "rows": written.rows,
    }
