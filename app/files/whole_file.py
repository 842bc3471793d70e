"""A file that takes its name only when all of it is written, or standard output at the very end."""

import gzip
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from app.errors import InvalidInput


@contextmanager
def written_whole(path: Path | None, *, compress: bool = True) -> Iterator[BinaryIO]:
    """Give a file to write; None is standard output, `.gz` at the end of the name compresses.

    Without `compress` the name says nothing: what is written is compressed already.

    When the block fails, a file of that name stays as it was and standard output stays empty.
    Raises InvalidInput when the file cannot be made.
    """
    if path is None or (path.exists() and not path.is_file()):
        with _copied_at_the_end(path) as file:
            yield file
        return
    target = path.resolve()
    passing = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        opened = passing.open("wb")
    except OSError as error:
        raise InvalidInput(f"cannot write {path}: {error.strerror}") from error
    try:
        with opened, _compressing(opened, compress and target.suffix == ".gz") as file:
            yield file
        passing.replace(target)
    finally:
        passing.unlink(missing_ok=True)


@contextmanager
def _compressing(file: BinaryIO, wanted: bool) -> Iterator[BinaryIO]:
    if not wanted:
        yield file
        return
    with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as compressed:
        yield compressed  # type: ignore[misc]  # it has every method that writers use


@contextmanager
def _copied_at_the_end(path: Path | None) -> Iterator[BinaryIO]:
    """For what is no ordinary file: pipes, devices, standard output."""
    with tempfile.TemporaryFile() as kept:
        yield kept
        kept.seek(0)
        if path is None:
            shutil.copyfileobj(kept, sys.stdout.buffer)
            sys.stdout.buffer.flush()
            return
        with path.open("wb") as target:
            shutil.copyfileobj(kept, target)
