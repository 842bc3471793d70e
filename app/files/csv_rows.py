"""Rows of a CSV file, each with the bytes it came from."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from app.errors import InvalidUpload, LineProblem, UploadReport
from app.files.excerpt import excerpt
from app.files.file_row import BadRow, FileRow
from app.files.upload_limits import UploadLimits

_SEPARATORS = ",;\t"
_FIELD_LIMIT = 1 << 26


class Table(NamedTuple):
    """The header line as it stands in the file, and the rows below it."""

    header: bytes
    rows: Iterator[FileRow | BadRow]


def read_csv(lines: Iterable[bytes], limits: UploadLimits | None = None) -> Table:
    """Read UTF-8 CSV with a header; the separator (comma, semicolon, tab) is the header's.

    Raises InvalidUpload for a header that is broken, and with limits for one that cannot name the
    columns.
    """
    csv.field_size_limit(_FIELD_LIMIT)
    taken = _Taken(iter(lines))
    header = next(taken.lines, b"")
    first = header.decode("utf-8", "surrogateescape")
    separator = max(_SEPARATORS, key=first.count)
    taken.number = 1
    names = _names(first, separator)
    if limits is not None:
        _check_names(names, first, limits)
    return Table(header, _rows(taken, names, separator))


def _names(header: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([header], delimiter=separator), [])
    except csv.Error as error:
        raise _bad_header("csv_syntax", str(error)) from error


def _check_names(names: list[str], header: str, limits: UploadLimits) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if len(names) > limits.max_columns:
        detail, code = f"more than {limits.max_columns} columns", "too_many_columns"
    elif twice:
        detail, code = f"two columns are named {twice[0]!r}", "duplicate_key"
    elif any("\udc80" <= character <= "\udcff" for character in header):
        detail, code = "the header is not UTF-8; save the file as UTF-8", "not_utf8"
    else:
        return
    raise _bad_header(code, detail)


def _bad_header(code: str, detail: str) -> InvalidUpload:
    report = UploadReport(errors=(LineProblem(1, code, detail),), error_count=1, lines_read=1)
    return InvalidUpload(f"The header cannot be used: {detail}.", report)


class _Taken:
    """Hands lines on as text and keeps the bytes of those taken since it was last asked."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self.lines = lines
        self.kept: list[bytes] = []
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        for line in self.lines:
            self.kept.append(line)
            yield line.decode("utf-8", "surrogateescape")

    def release(self) -> tuple[int, bytes]:
        """The number of the first line taken, and all of them."""
        first, raw = self.number + 1, b"".join(self.kept)
        self.number += len(self.kept)
        self.kept.clear()
        return first, raw


def _rows(taken: _Taken, names: list[str], separator: str) -> Iterator[FileRow | BadRow]:
    reader = csv.reader(iter(taken), delimiter=separator, strict=True)
    while True:
        try:
            values = next(reader, None)
        except csv.Error as error:
            number, raw = taken.release()
            yield _bad(number, "csv_syntax", str(error), raw)
            return
        number, raw = taken.release()
        if values is None:
            return
        if values:
            yield _row(number, names, values, raw)


def _row(number: int, names: list[str], values: list[str], raw: bytes) -> FileRow | BadRow:
    if len(values) != len(names):
        detail = f"{len(values)} values where the header names {len(names)} columns"
        return _bad(number, "column_count", detail, raw)
    if any("\udc80" <= character <= "\udcff" for value in values for character in value):
        return _bad(number, "not_utf8", "the row is not UTF-8; save the file as UTF-8", raw)
    return FileRow(number, dict(zip(names, values, strict=True)), raw)


def _bad(number: int, code: str, detail: str, raw: bytes) -> BadRow:
    quoted = excerpt(raw[:400].decode("utf-8", "backslashreplace"))
    return BadRow(LineProblem(number, code, detail, excerpt=quoted))
