"""Exports are whole or absent: bytes, names, full disks, failures at any write."""

import errno
import fcntl
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

import pytest

from app.domain.packaging import Container
from app.errors import Conflict, InsufficientStorage
from app.files.export_parts import open_locked
from app.files.export_writer import write_export


def rows(count: int, text: str = "x") -> Iterator[Mapping[str, object]]:
    for number in range(count):
        yield {"instruction": f"Task {number}", "input": "", "output": text}


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_lines_manifest_and_digest(tmp_path: Path) -> None:
    lines = [{"b": "a\u2028b\x85 \n\t", "a": "é👩‍🚀"}, MappingProxyType({"b": [{}], "a": None})]
    written = write_export(tmp_path / "new", "id-1", lines, manifest={"job": "j", "rows": 9})
    data = written.path.read_bytes()
    assert data == ('{"b":"a\u2028b\x85 \\n\\t","a":"é👩‍🚀"}\n{"b":[{}],"a":null}\n'.encode())
    assert written.path == tmp_path / "new" / "id-1.jsonl"
    assert (written.bytes, written.rows) == (len(data), 2)
    assert written.sha256 == hashlib.sha256(data).hexdigest()
    assert json.loads((tmp_path / "new" / "id-1.manifest.json").read_text()) == {
        "job": "j",
        "rows": 2,
        "bytes": len(data),
        "sha256": written.sha256,
        "file": "id-1.jsonl",
    }
    assert names(tmp_path / "new") == {"id-1.jsonl", "id-1.manifest.json"}


def test_the_same_lines_give_the_same_bytes(tmp_path: Path) -> None:
    first = write_export(tmp_path, "a", rows(100), manifest={"z": 1, "a": 2})
    second = write_export(tmp_path, "b", rows(100), manifest={"a": 2, "z": 1})
    assert first.sha256 == second.sha256
    assert first.path.read_bytes() == second.path.read_bytes()


def test_an_export_of_no_rows_is_an_empty_file(tmp_path: Path) -> None:
    written = write_export(tmp_path, "a", [], manifest={})
    assert written.path.read_bytes() == b""
    assert written.rows == 0


@pytest.mark.parametrize("name", ["", "../a", "a/b", ".a", "a.b", "a\n", "é"])
def test_only_ids_name_files(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="export id"):
        write_export(tmp_path, name, [], manifest={})


class FailingFile(io.RawIOBase):
    """A real file whose k-th write finds the disk full."""

    def __init__(self, inner: BinaryIO, writes_left: list[int]) -> None:
        self.inner = inner
        self.writes_left = writes_left

    def write(self, data: object) -> int:
        self.writes_left[0] -= 1
        if self.writes_left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self.inner.write(bytes(data))  # pyright: ignore[reportArgumentType]

    def flush(self) -> None:
        self.inner.flush()

    def fileno(self) -> int:
        return self.inner.fileno()

    def close(self) -> None:
        self.inner.close()


@pytest.mark.parametrize("container", [Container.JSONL, Container.JSONL_GZ, Container.JSON])
def test_a_disk_that_is_full_at_any_write_leaves_the_earlier_export(
    tmp_path: Path, container: Container
) -> None:
    """The k-th write fails, for every k from the first to the 200th and one behind the last."""
    earlier = write_export(tmp_path, "a", rows(3), manifest={"run": 1}, container=container)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    writes = _writes_of(tmp_path / "count", container)
    assert writes >= 200
    for k in range(writes):
        left = [k]
        with pytest.raises(InsufficientStorage, match="bytes free"):
            write_export(
                *(tmp_path, "a", rows(200)),
                manifest={"run": 2},
                container=container,
                open_part=_failing_after(left),
            )
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == (
            before
        )
    assert earlier.path.exists()
    retried = write_export(tmp_path, "a", rows(200), manifest={"run": 3}, container=container)
    assert (retried.rows, len(retried.path.read_bytes())) == (200, retried.bytes)


def _failing_after(left: list[int]) -> Callable[[Path], BinaryIO]:
    def failing(path: Path) -> BinaryIO:
        return FailingFile(open_locked(path), left)  # pyright: ignore[reportReturnType]

    return failing


def _writes_of(directory: Path, container: Container) -> int:
    """How many writes such an export takes."""
    left = [10_000]
    write_export(
        *(directory, "a", rows(200)),
        manifest={},
        container=container,
        open_part=_failing_after(left),
    )
    return 10_000 - left[0]


def test_rows_that_fail_leave_no_file(tmp_path: Path) -> None:
    def broken() -> Iterator[Mapping[str, object]]:
        yield {"a": 1}
        raise LookupError("no more")

    with pytest.raises(LookupError):
        write_export(tmp_path, "a", broken(), manifest={})
    assert names(tmp_path) == set()


def test_too_little_space_is_said_before_the_first_line(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free

    def unasked() -> Iterator[Mapping[str, object]]:
        raise AssertionError("a line was asked for")
        yield {}

    with pytest.raises(InsufficientStorage, match="are needed"):
        write_export(tmp_path, "a", unasked(), manifest={}, expected_bytes=free)
    assert names(tmp_path) == set()


def test_a_real_full_disk(small_disk: Path) -> None:
    earlier = write_export(small_disk, "a", rows(10), manifest={})
    before = {path.name: path.read_bytes() for path in small_disk.iterdir()}
    with pytest.raises(InsufficientStorage):
        write_export(small_disk, "a", rows(5000, "y" * 300), manifest={})
    assert {path.name: path.read_bytes() for path in small_disk.iterdir()} == before
    assert earlier.rows == 10
    assert write_export(small_disk, "b", rows(500), manifest={}).rows == 500


LIMITED = """
import resource, signal, sys
from pathlib import Path
from app.errors import InsufficientStorage
from app.files.export_writer import write_export

resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    write_export(Path(sys.argv[1]), "a", ({"n": n} for n in range(100_000)), manifest={})
except InsufficientStorage:
    sys.exit(7)
"""


def test_a_limit_on_the_size_of_files_is_a_full_disk(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LIMITED, str(tmp_path)]
    assert subprocess.run(command, check=False).returncode == 7
    assert names(tmp_path) == set()


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    part = tmp_path / ".a.part"
    with part.open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.write(b"of another")
        held.flush()
        with pytest.raises(Conflict):
            write_export(tmp_path, "a", rows(1), manifest={})
        assert part.read_bytes() == b"of another"
    # The lock went with its process: what it left is emptied and used.
    written = write_export(tmp_path, "a", rows(1), manifest={})
    assert len(written.path.read_bytes()) == written.bytes
    assert names(tmp_path) == {"a.jsonl", "a.manifest.json"}


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    write_export(tmp_path, "warm", rows(10), manifest={})
    tracemalloc.start()
    try:
        write_export(tmp_path, "a", rows(60_000, "y" * 200), manifest={})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20
