"""Rows of a Parquet file, where pyarrow is installed."""

import importlib
import importlib.util
import io
from collections.abc import Iterator
from typing import Any

import orjson

from app.errors import InvalidInput, NotText
from app.files.file_row import BadRow, FileRow

_BATCH = 2000


def read_parquet(content: bytes) -> Iterator[FileRow | BadRow]:
    """Read every row; raises InvalidInput without pyarrow, NotText when it cannot be read."""
    if importlib.util.find_spec("pyarrow") is None:
        raise InvalidInput("Reading Parquet needs pyarrow: pip install pyarrow.")
    # An optional library of 170 MB, so it is looked for when a Parquet file comes.
    arrow: Any = importlib.import_module("pyarrow")
    parquet: Any = importlib.import_module("pyarrow.parquet")
    try:
        file = parquet.ParquetFile(io.BytesIO(content))
    except (arrow.ArrowException, OSError) as error:
        raise NotText(f"The Parquet file cannot be read: {error}") from error
    return _rows(file)


def _rows(file: Any) -> Iterator[FileRow]:
    number = 0
    for batch in file.iter_batches(batch_size=_BATCH):
        for fields in batch.to_pylist():
            number += 1
            line = orjson.dumps(fields, default=str, option=orjson.OPT_APPEND_NEWLINE)
            yield FileRow(number, fields, line)
