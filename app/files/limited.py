"""A stranger's file read within limits: no line too long, not too many, nothing that unfolds."""

import gzip
import io
from collections.abc import Iterator
from typing import Any

from app.errors import InvalidUpload, LineProblem, TooLarge, UploadReport
from app.files.upload_limits import UploadLimits

# Text compresses ten to one, a bomb a thousand to one.
MOST_UNFOLDED = 100
_FREE_BYTES = 1 << 20


class Inflated(io.RawIOBase):
    """What a gzip file holds; raises TooLarge once it unfolds like a bomb or past the limit."""

    def __init__(self, source: Any, limits: UploadLimits) -> None:
        self._source = source
        self._inner = gzip.GzipFile(fileobj=source)
        self._limits = limits
        self._given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        data = self._inner.read(len(buffer))
        self._given += len(data)
        unfolds = self._given > MOST_UNFOLDED * self._source.tell() + _FREE_BYTES
        if unfolds or self._given > self._limits.max_bytes:
            raise TooLarge(
                f"The compressed file holds more than {self._limits.max_bytes:,} bytes, or more "
                f"than {MOST_UNFOLDED} for each of its own.",
                code="decompression_limit",
            )
        buffer[: len(data)] = data
        return len(data)


def limited_lines(reader: Any, limits: UploadLimits) -> Iterator[bytes]:
    """The lines of a file; raises InvalidUpload at one too long, TooLarge at one too many."""
    number, longest = 0, limits.max_line_bytes
    while line := reader.readline(longest + 1):
        number += 1
        if number > limits.max_lines:
            raise too_many(limits)
        if len(line) > longest:
            detail = f"the line is longer than {longest:,} bytes"
            problem = LineProblem(number, "line_too_long", detail)
            report = UploadReport(errors=(problem,), error_count=1, lines_read=number)
            raise InvalidUpload(f"Line {number} is longer than {longest:,} bytes.", report)
        yield line


def too_many(limits: UploadLimits) -> TooLarge:
    """What is said of a file with too many rows."""
    detail = f"The file has more than {limits.max_lines:,} rows; split it and send the parts."
    return TooLarge(detail, code="too_many_lines")
