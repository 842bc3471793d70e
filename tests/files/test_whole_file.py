"""A file takes its name whole or not at all, and what is no file is never replaced."""

import gzip
import os
import threading
from pathlib import Path

import pytest

from app.errors import InvalidInput
from app.files.whole_file import written_whole


def break_off(path: Path | None) -> None:
    """Begin to write and fail."""
    with written_whole(path) as file:
        file.write(b"half")
        raise ZeroDivisionError


def test_whole(tmp_path: Path) -> None:
    target = tmp_path / "rows.jsonl"
    with written_whole(target) as file:
        file.write(b"one\n")
        assert not target.exists()
    assert target.read_bytes() == b"one\n"
    assert list(tmp_path.iterdir()) == [target]


def test_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "rows.jsonl"
    target.write_bytes(b"before")
    with pytest.raises(ZeroDivisionError):
        break_off(target)
    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [target]


def test_compressed_the_same_every_time(tmp_path: Path) -> None:
    contents: list[bytes] = []
    for name in ("one.gz", "two.gz"):
        with written_whole(tmp_path / name) as file:
            file.write(b"row\n")
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]
    assert gzip.decompress(contents[0]) == b"row\n"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"before")
    link.symlink_to(target)
    with written_whole(link) as file:
        file.write(b"after")
    assert link.is_symlink()
    assert target.read_bytes() == b"after"


def test_a_pipe_is_written_to_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    with written_whole(pipe) as file:
        file.write(b"through")
    reader.join()
    assert read == [b"through"]
    assert pipe.is_fifo()


def test_nowhere(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput), written_whole(tmp_path / "none" / "rows"):
        pass


def test_standard_output(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    with pytest.raises(ZeroDivisionError):
        break_off(None)
    assert capsysbinary.readouterr().out == b""
    with written_whole(None) as file:
        file.write(b"\xff\x00")
    assert capsysbinary.readouterr().out == b"\xff\x00"
