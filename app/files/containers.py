"""The kinds of file that lines are written into; the same lines always give the same bytes."""

import importlib
import importlib.util
import zlib
from collections.abc import Mapping
from typing import Any, BinaryIO, Protocol, cast

import orjson

from app.domain.judging import SCORE
from app.domain.packaging import Container
from app.errors import InvalidInput

Line = Mapping[str, object]
# A tenth of the time of the default level for a tenth more bytes.
_GZIP_LEVEL = 1
# zlib's own gzip header has neither a name nor a time in it.
_GZIP_HEADER = 16 + zlib.MAX_WBITS
_ROW_GROUP = 5000


class LineSink(Protocol):
    """A file that is being written, line by line; `close` writes its end and leaves it open."""

    def write(self, line: Line, encoded: bytes) -> None:
        """Add a line; `encoded` is the same as JSON with its line end."""
        ...

    def close(self) -> None:
        """Write what is still missing."""
        ...


def encoded(line: Line) -> bytes:
    """A line as JSON in UTF-8 with a line end."""
    return orjson.dumps(line, default=_plain, option=orjson.OPT_APPEND_NEWLINE)


def open_container(container: Container, file: BinaryIO) -> LineSink:
    """A sink into an empty file; raises InvalidInput where a library is missing for it."""
    match container:
        case Container.JSONL:
            return _Lines(file)
        case Container.JSONL_GZ:
            return _GzippedLines(file)
        case Container.JSON:
            return _List(file)
        case Container.TSV:
            return _Cells(file)
        case Container.PARQUET:
            check_parquet()
            return _Parquet(file)


def check_parquet() -> None:
    """Raise InvalidInput unless pyarrow, an optional library, is there."""
    if importlib.util.find_spec("pyarrow") is None:
        raise InvalidInput("Writing Parquet needs pyarrow: pip install pyarrow.")


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, object]", value))
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


class _Lines:
    """JSON Lines."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, line: Line, encoded: bytes) -> None:
        self._file.write(encoded)

    def close(self) -> None:
        pass


class _GzippedLines:
    """JSON Lines in one gzip member."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._zip = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_HEADER)

    def write(self, line: Line, encoded: bytes) -> None:
        self._file.write(self._zip.compress(encoded))

    def close(self) -> None:
        self._file.write(self._zip.flush())


class _List:
    """One JSON list, an item a line."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._before = b"[\n"

    def write(self, line: Line, encoded: bytes) -> None:
        self._file.write(self._before + encoded[:-1])
        self._before = b",\n"

    def close(self) -> None:
        self._file.write(b"\n]\n" if self._before == b",\n" else b"[]\n")


class _Cells:
    """Tab-separated values without a header; a line end in a text is a backslash and an n."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, line: Line, encoded: bytes) -> None:
        cells = [str(value).replace("\n", "\\n") for value in line.values()]
        self._file.write("\t".join(cells).encode() + b"\n")

    def close(self) -> None:
        pass


class _Parquet:
    """A Parquet file; its columns are those of the first lines, and later ones must have them."""

    def __init__(self, file: BinaryIO) -> None:
        self._arrow: Any = importlib.import_module("pyarrow")
        self._parquet: Any = importlib.import_module("pyarrow.parquet")
        self._file = file
        self._waiting: list[Line] = []
        self._writer: Any = None
        self._schema: Any = None

    def write(self, line: Line, encoded: bytes) -> None:
        self._waiting.append(line)
        if len(self._waiting) >= _ROW_GROUP:
            self._flush()

    def close(self) -> None:
        if self._waiting or self._writer is None:
            self._flush()
        writer: Any = self._writer
        writer.close()

    def _flush(self) -> None:
        plain = [dict(line) for line in self._waiting]
        if self._writer is None:
            self._schema = self._with_texts(self._arrow.Table.from_pylist(plain).schema)
            self._writer = self._parquet.ParquetWriter(self._file, self._schema, compression="zstd")
        names = set(self._schema.names)
        strange = next((line for line in plain if line.keys() != names), None)
        if strange is not None:
            raise ValueError(f"a line has the columns {list(strange)}, the file {sorted(names)}")
        self._writer.write_table(self._arrow.Table.from_pylist(plain, schema=self._schema))
        self._waiting.clear()

    def _with_texts(self, schema: Any) -> Any:
        """A column of which nothing but null has been seen is one of texts; a score is a number."""
        is_null, arrow = self._arrow.types.is_null, self._arrow
        types = {SCORE: arrow.float64()}
        fields = [
            each.with_type(types.get(each.name, arrow.string())) if is_null(each.type) else each
            for each in schema
        ]
        return self._arrow.schema(fields)
