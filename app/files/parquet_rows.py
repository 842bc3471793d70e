"""Rows of a Parquet file, where pyarrow is installed."""

import importlib
import importlib.util
import io
from collections.abc import Iterator
from typing import Any

import orjson

from app.errors import InvalidInput, LineProblem, NotText, TooLarge
from app.files.file_row import BadRow, FileRow
from app.files.limited import MOST_UNFOLDED, too_many
from app.files.upload_limits import UploadLimits

_BATCH = 2000
_FREE_BYTES = 64 << 20


def read_parquet(content: bytes, limits: UploadLimits | None = None) -> Iterator[FileRow | BadRow]:
    """Read every row; raises InvalidInput without pyarrow, NotText when it cannot be read.

    With limits also TooLarge. A few bytes of Parquet may stand for any number of equal values, so
    then a row is made at a time, and what was made is counted.
    """
    if importlib.util.find_spec("pyarrow") is None:
        raise InvalidInput("Reading Parquet needs pyarrow: pip install pyarrow.")
    # An optional library of 170 MB, so it is looked for when a Parquet file comes.
    arrow: Any = importlib.import_module("pyarrow")
    parquet: Any = importlib.import_module("pyarrow.parquet")
    try:
        file = parquet.ParquetFile(io.BytesIO(content))
        if limits is None:
            yield from _rows(file.iter_batches(batch_size=_BATCH))
        else:
            yield from _limited_rows(arrow, parquet, content, file, limits)
    except (arrow.ArrowException, OSError, UnicodeDecodeError, OverflowError) as error:
        raise NotText(f"The Parquet file cannot be read: {error}") from error


def _rows(batches: Any) -> Iterator[FileRow | BadRow]:
    number = 0
    for batch in batches:
        for fields in batch.to_pylist():
            number += 1
            yield _row(number, fields)


def _row(number: int, fields: dict[str, Any]) -> FileRow | BadRow:
    try:
        line = orjson.dumps(fields, default=str, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError as error:
        return BadRow(LineProblem(number, "wrong_type", f"the row is no JSON: {error}"))
    return FileRow(number, fields, line)


def _limited_rows(
    arrow: Any, parquet: Any, content: bytes, file: Any, limits: UploadLimits
) -> Iterator[FileRow | BadRow]:
    if file.metadata.num_rows > limits.max_lines:
        raise too_many(limits)
    texts = [field.name for field in file.schema_arrow if _is_text(arrow, field.type)]
    folded = parquet.ParquetFile(io.BytesIO(content), read_dictionary=texts)
    most, made = min(limits.max_bytes, MOST_UNFOLDED * len(content) + _FREE_BYTES), 0
    for number, row in enumerate(_single_rows(folded), 1):
        found = _row(number, row.to_pylist()[0])
        size = len(found.raw) if isinstance(found, FileRow) else 0
        made += size
        if made > most:
            detail = f"The Parquet file holds more than {most:,} bytes of rows."
            raise TooLarge(detail, code="decompression_limit")
        yield found if size <= limits.max_line_bytes else _too_long(number, limits)


def _single_rows(folded: Any) -> Iterator[Any]:
    for batch in folded.iter_batches(batch_size=_BATCH):
        for at in range(batch.num_rows):
            yield batch.slice(at, 1)


def _is_text(arrow: Any, kind: Any) -> bool:
    return kind in (arrow.string(), arrow.binary())


def _too_long(number: int, limits: UploadLimits) -> BadRow:
    detail = f"the row is longer than {limits.max_line_bytes:,} bytes"
    return BadRow(LineProblem(number, "line_too_long", detail))
