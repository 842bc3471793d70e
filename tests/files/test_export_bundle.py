"""Bundles: splits in folders, shards by size, the same bytes, nothing left of a failure."""

import hashlib
import json
import tracemalloc
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from app.domain.packaging import Container
from app.files.export_bundle import BundledFile, write_bundle
from app.files.export_writer import WrittenExport

Lines = Iterator[tuple[str, Mapping[str, object]]]


def lines(count: int, text: str = "x") -> Lines:
    for number in range(count):
        yield ("train" if number % 4 else "test"), {"n": number, "text": text}


def bundle(
    directory: Path, found: Lines, *, name: str = "a", shard_bytes: int = 0, one_file: bool = False
) -> tuple[WrittenExport, Sequence[BundledFile]]:
    return write_bundle(
        directory,
        name,
        found,
        container=Container.JSONL,
        companions=lambda files: {"README.md": f"{len(files)} files".encode()},
        manifest={"job": "j"},
        shard_bytes=shard_bytes,
        one_file=one_file,
    )


def test_splits_are_folders(tmp_path: Path) -> None:
    written, files = bundle(tmp_path, lines(8))
    with zipfile.ZipFile(written.path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            "README.md",
            "test/part-00000.jsonl",
            "train/part-00000.jsonl",
        ]
        assert archive.read("README.md") == b"2 files"
        for each in files:
            content = archive.read(each.name)
            assert (each.bytes, each.rows) == (len(content), content.count(b"\n"))
            assert each.sha256 == hashlib.sha256(content).hexdigest()
        test = [
            json.loads(line)["n"] for line in archive.read("test/part-00000.jsonl").splitlines()
        ]
    assert test == [0, 4]
    assert written.rows == 8
    assert written.sha256 == hashlib.sha256(written.path.read_bytes()).hexdigest()
    manifest = json.loads((tmp_path / "a.manifest.json").read_text())
    assert manifest["sha256"] == written.sha256
    assert [each["split"] for each in manifest["files"]] == ["test", "train"]
    assert {each.name for each in tmp_path.iterdir()} == {"a.zip", "a.manifest.json"}


def test_shards_hold_no_more_than_they_may_and_all_rows(tmp_path: Path) -> None:
    written, files = bundle(tmp_path, lines(400, "y" * 100), shard_bytes=5000)
    assert all(each.bytes <= 5000 for each in files)
    assert [each.name for each in files[:2]] == ["test/part-00000.jsonl", "test/part-00001.jsonl"]
    with zipfile.ZipFile(written.path) as archive:
        found = [
            json.loads(line)["n"]
            for each in files
            if each.split == "train"
            for line in archive.read(each.name).splitlines()
        ]
    assert found == [number for number in range(400) if number % 4]


def test_a_line_longer_than_a_shard_has_one_of_its_own(tmp_path: Path) -> None:
    _, files = bundle(tmp_path, lines(8, "y" * 100), shard_bytes=10)
    assert [each.rows for each in files] == [1] * 8


def test_the_same_lines_give_the_same_bytes(tmp_path: Path) -> None:
    first, _ = bundle(tmp_path, lines(100), shard_bytes=500)
    second, _ = bundle(tmp_path, lines(100), shard_bytes=500, name="b")
    assert first.path.read_bytes() == second.path.read_bytes()


@pytest.mark.parametrize("count", [0, 3])
def test_one_file_may_hold_all_splits(tmp_path: Path, count: int) -> None:
    written, files = bundle(tmp_path, lines(count), one_file=True)
    assert [(each.name, each.rows) for each in files] == [("data.jsonl", count)]
    with zipfile.ZipFile(written.path) as archive:
        assert archive.read("data.jsonl").count(b"\n") == count


def test_a_failure_leaves_the_earlier_bundle(tmp_path: Path) -> None:
    bundle(tmp_path, lines(8))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def broken() -> Lines:
        yield from lines(5)
        raise LookupError("no more")

    with pytest.raises(LookupError):
        bundle(tmp_path, broken())
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_a_killed_process_left_is_not_taken_up(tmp_path: Path) -> None:
    left = tmp_path / ".a.files" / "train"
    left.mkdir(parents=True)
    (left / "part-00007.jsonl").write_text("of another")
    written, _ = bundle(tmp_path, lines(8))
    with zipfile.ZipFile(written.path) as archive:
        assert "train/part-00007.jsonl" not in archive.namelist()
    assert not (tmp_path / ".a.files").exists()


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    bundle(tmp_path, lines(10), name="warm")
    tracemalloc.start()
    try:
        bundle(tmp_path, lines(40_000, "y" * 200), shard_bytes=1 << 20)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6 << 20
