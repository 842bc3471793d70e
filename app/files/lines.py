"""Physical lines out of bytes that arrive in pieces of any size, never holding more than one line.

It counts, hashes and refuses: too many bytes, too many lines, compressed or binary content.
"""

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from app.errors import NotText, TooLarge
from app.files.magic import HEAD_BYTES, binary_kind, wide_encoding
from app.files.upload_limits import UploadLimits

_WINDOW_BYTES = 256 * 1024
_UTF8_MARK = b"\xef\xbb\xbf"


class PhysicalLine(NamedTuple):
    """A line without its end: `number` from 1, `offset` its first byte in the file.

    Of a line over the limit (`too_long`) only the beginning is in `raw`.
    """

    number: int
    raw: bytes
    offset: int
    too_long: bool = False


class LineSplitter:
    """Splits at LF, takes a CR before it away, and drops a UTF-8 byte order mark at the start."""

    def __init__(self, limits: UploadLimits) -> None:
        self._limits = limits
        self._hash = hashlib.sha256()
        self._byte_count = 0
        self._head: bytearray | None = bytearray()
        self._partial = bytearray()
        self._line_bytes = 0
        self._offset = 0
        self.lines_read = 0
        self.wide: str | None = None
        """UTF-16 or UTF-32 when the file is written in it: its lines are then of no use."""

    @property
    def digest(self) -> str:
        """Hex sha256 of the bytes so far."""
        return self._hash.hexdigest()

    def push(self, chunk: bytes) -> Iterator[PhysicalLine]:
        """The lines that this chunk completes; raises TooLarge or NotText, after earlier lines."""
        room = self._limits.max_bytes - self._byte_count
        self._byte_count += len(chunk)
        self._hash.update(chunk)
        yield from self._sniffed(chunk[:room] if len(chunk) > room else chunk)
        if len(chunk) > room:
            limit = self._limits.max_bytes
            raise TooLarge(f"The file is larger than {limit:,} bytes; split it and send the parts.")

    def end(self) -> Iterator[PhysicalLine]:
        """The last line, where no line end follows it."""
        if self._head is not None:
            yield from self._start(bytes(self._head))
        if self._line_bytes:
            yield self._line(b"", 0)

    def _sniffed(self, chunk: bytes) -> Iterator[PhysicalLine]:
        if self._head is None:
            yield from self._windows(chunk)
            return
        self._head += chunk
        if len(self._head) >= HEAD_BYTES:
            yield from self._start(bytes(self._head))

    def _start(self, head: bytes) -> Iterator[PhysicalLine]:
        self._head = None
        kind = binary_kind(head[:HEAD_BYTES])
        if kind is not None:
            raise NotText(f"This is a {kind} file; send the JSONL text itself, not compressed.")
        self.wide = wide_encoding(head[:HEAD_BYTES])
        if head.startswith(_UTF8_MARK):
            head = head[len(_UTF8_MARK) :]
            self._offset = len(_UTF8_MARK)
        yield from self._windows(head)

    def _windows(self, chunk: bytes) -> Iterator[PhysicalLine]:
        for start in range(0, len(chunk), _WINDOW_BYTES):
            pieces = chunk[start : start + _WINDOW_BYTES].split(b"\n")
            for piece in pieces[:-1]:
                yield self._line(piece, 1)
            self._hold(pieces[-1])

    def _hold(self, piece: bytes) -> None:
        if not piece:
            return
        self._check_line_count()
        self._line_bytes += len(piece)
        room = self._limits.max_line_bytes + 1 - len(self._partial)
        self._partial += piece[:room]

    def _line(self, piece: bytes, end_bytes: int) -> PhysicalLine:
        self._check_line_count()
        raw, length = piece, len(piece)
        if self._line_bytes:
            self._hold(piece)
            raw, length = bytes(self._partial), self._line_bytes
            self._partial.clear()
            self._line_bytes = 0
        if len(raw) == length and raw.endswith(b"\r"):
            raw = raw[:-1]
        self.lines_read += 1
        too_long = len(raw) > self._limits.max_line_bytes
        line = PhysicalLine(self.lines_read, raw, self._offset, too_long)
        self._offset += length + end_bytes
        return line

    def _check_line_count(self) -> None:
        limit = self._limits.max_lines
        if self.lines_read >= limit:
            detail = f"The file has more than {limit:,} lines; split it and send the parts."
            raise TooLarge(detail, code="too_many_lines")
