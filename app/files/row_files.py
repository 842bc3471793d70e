"""Rows of a file, one by one, whatever it is: JSONL, a JSON list, CSV or Parquet, gzip or not."""

import gzip
import io
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, cast

import orjson

from app.errors import InvalidInput, LineProblem, NotText
from app.files.csv_rows import read_csv
from app.files.file_row import BadRow, FileRow
from app.files.jsonl import BadLine, read_object
from app.files.limited import Inflated, limited_lines, too_many
from app.files.magic import HEAD_BYTES, binary_kind, wide_encoding
from app.files.parquet_rows import read_parquet
from app.files.upload_limits import UploadLimits

_BUFFER_BYTES = 256 * 1024
_UTF8_MARK = b"\xef\xbb\xbf"
_TABLES = {".csv", ".tsv"}
Reader: TypeAlias = "io.BufferedReader[Any]"
_SOUND = UploadLimits()  # of these only the JSON grammar matters here, not how much it may hold


@dataclass
class RowFile:
    """An open file; iterate over `rows` once. `header` is what an output file begins with.

    `read_bytes` of `size_bytes` (None for a pipe) tell how far the reading is.
    """

    name: str
    rows: Iterator[FileRow | BadRow]
    header: bytes
    size_bytes: int | None
    _source: Reader

    @property
    def read_bytes(self) -> int:
        return self._source.tell() if self.size_bytes is not None else 0


class _Opened(NamedTuple):
    rows: Iterable[FileRow | BadRow]
    header: bytes = b""


@contextmanager
def open_rows(path: Path | None, limits: UploadLimits | None = None) -> Iterator[RowFile]:
    """Open a file, or standard input for None; what it holds decides how it is read.

    Raises InvalidInput when it cannot be opened, NotText when it is of another kind. A stranger's
    file is read with `limits`, and while it is read TooLarge and InvalidUpload tell of them.
    """
    name = "-" if path is None else str(path)
    with _opened(path) as source:
        try:
            found = _recognised(path, _plain(source, limits), limits)
            size = None if path is None or not path.is_file() else path.stat().st_size
            yield RowFile(name, iter(found.rows), found.header, size, source)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise NotText(f"{name} is not a whole gzip file: {error}") from error


@contextmanager
def _opened(path: Path | None) -> Iterator[Reader]:
    if path is None:
        yield cast(Reader, sys.stdin.buffer)
        return
    try:
        source = path.open("rb")
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error.strerror}") from error
    with source:
        yield source


def _plain(source: Reader, limits: UploadLimits | None) -> Reader:
    """The bytes without their compression."""
    if source.peek(2)[:2] != b"\x1f\x8b":
        return source
    if limits is not None:
        return io.BufferedReader(Inflated(source, limits), _BUFFER_BYTES)
    return io.BufferedReader(gzip.GzipFile(fileobj=source), _BUFFER_BYTES)


def _recognised(path: Path | None, reader: Reader, limits: UploadLimits | None) -> _Opened:
    head = reader.peek(HEAD_BYTES)[:HEAD_BYTES]
    kind = binary_kind(head)
    if kind == "Parquet":
        return _Opened(read_parquet(reader.read(), limits))
    if kind is not None:
        raise NotText(f"This is a {kind} file; give JSONL, a JSON list, CSV or Parquet.")
    wide = wide_encoding(head)
    if wide is not None:
        raise NotText(f"The file is written in {wide}; save it as UTF-8.", code="not_utf8")
    if head.startswith(_UTF8_MARK):
        reader.read(len(_UTF8_MARK))
        head = head[len(_UTF8_MARK) :]
    lines: Iterable[bytes] = reader if limits is None else limited_lines(reader, limits)
    if _ending(path) in _TABLES:
        table = read_csv(lines, limits)
        return _Opened(table.rows, table.header)
    if head.lstrip().startswith(b"["):
        return _Opened(_list_or_lines(reader, limits))
    return _Opened(_json_lines(lines))


def _ending(path: Path | None) -> str:
    if path is None:
        return ""
    return Path(path.stem).suffix.lower() if path.suffix == ".gz" else path.suffix.lower()


def _json_lines(lines: Iterable[bytes]) -> Iterator[FileRow | BadRow]:
    """Every line that is not blank; `raw` keeps its line end."""
    for number, raw in enumerate(lines, 1):
        text = raw.strip()
        if not text:
            continue
        try:
            value: object = orjson.loads(text)
        except orjson.JSONDecodeError:
            value = None
        if isinstance(value, dict):
            yield FileRow(number, cast("dict[str, object]", value), raw)
        else:
            yield BadRow(_fault(raw.rstrip(b"\r\n"), number))


def _fault(raw: bytes, number: int) -> LineProblem:
    found = read_object(raw, number, 0, _SOUND)
    if isinstance(found, BadLine):
        return found.problem
    return LineProblem(number, "json_syntax", "the line is not JSON")


def _list_or_lines(reader: Reader, limits: UploadLimits | None) -> Iterator[FileRow | BadRow]:
    """A JSON list; but where the first line is a list of its own and others follow, lines."""
    content = reader.read()
    first, _, rest = content.lstrip().partition(b"\n")
    if rest.strip() and _is_json(first):
        again = io.BytesIO(content)
        yield from _json_lines(again if limits is None else limited_lines(again, limits))
        return
    try:
        items: list[object] = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        detail = f"the JSON list is broken here: {error.msg}"
        yield BadRow(LineProblem(error.lineno, "json_syntax", detail, column=error.colno))
        return
    if limits is not None and len(items) > limits.max_lines:
        raise too_many(limits)
    yield from _list_items(items)


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _list_items(items: list[object]) -> Iterator[FileRow | BadRow]:
    for number, item in enumerate(items, 1):
        if isinstance(item, dict):
            fields = cast("Mapping[str, object]", item)
            yield FileRow(number, fields, orjson.dumps(item) + b"\n")
        else:
            detail = f"item {number} of the list must be an object"
            yield BadRow(LineProblem(number, "not_an_object", detail))
