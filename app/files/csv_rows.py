"""Rows of a CSV file, each with the bytes it came from."""

import csv
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from app.errors import LineProblem
from app.files.excerpt import excerpt
from app.files.file_row import BadRow, FileRow

_SEPARATORS = ",;\t"
_FIELD_LIMIT = 1 << 26


class Table(NamedTuple):
    """The header line as it stands in the file, and the rows below it."""

    header: bytes
    rows: Iterator[FileRow | BadRow]


def read_csv(lines: Iterable[bytes]) -> Table:
    """Read UTF-8 CSV with a header; the separator (comma, semicolon, tab) is the header's."""
    csv.field_size_limit(_FIELD_LIMIT)
    taken = _Taken(iter(lines))
    header = next(taken.lines, b"")
    first = header.decode("utf-8", "surrogateescape")
    separator = max(_SEPARATORS, key=first.count)
    taken.number = 1
    names = next(csv.reader([first], delimiter=separator), [])
    return Table(header, _rows(taken, names, separator))


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
