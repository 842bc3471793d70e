"""A file on its way to a hub or a store: where it will lie there, and its digest."""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class PushedFile:
    """`path` is where it lies there, parted by slashes; `source` a file of ours, or its content."""

    path: str
    source: Path | bytes
    size: int
    sha256: str

    def opened(self) -> BinaryIO:
        """The content from its beginning; to be closed."""
        return io.BytesIO(self.source) if isinstance(self.source, bytes) else self.source.open("rb")

    def read(self, begin: int = 0, size: int = -1) -> bytes:
        """Bytes from `begin` on, at most `size`, or all."""
        with self.opened() as file:
            file.seek(begin)
            return file.read(size)

    def chunks(self, begin: int = 0, size: int | None = None) -> Iterator[bytes]:
        """The same a megabyte at a time."""
        left = self.size - begin if size is None else size
        with self.opened() as file:
            file.seek(begin)
            while left > 0 and (chunk := file.read(min(_CHUNK, left))):
                left -= len(chunk)
                yield chunk


def pushed(path: str, source: Path | bytes) -> PushedFile:
    """A file with its size and digest; a file of ours is read once for them."""
    if isinstance(source, bytes):
        return PushedFile(path, source, len(source), hashlib.sha256(source).hexdigest())
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return PushedFile(path, source, source.stat().st_size, digest)
