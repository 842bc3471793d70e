"""Labelled rows out of files: JSONL, a JSON list, CSV or Parquet, with the types that they have."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeAlias

import orjson

from app.domain.labelled import BadValue, Columns, ColumnType, TypeGuess, merged, read_features
from app.errors import InvalidInput
from app.files.checked_rows import BadField, CheckedRows, Report
from app.files.file_row import FileRow
from app.files.row_files import open_rows
from app.files.upload_limits import UploadLimits

LabelledRows: TypeAlias = CheckedRows[dict[str, object]]


@contextmanager
def labelled_rows(
    source: Path | None,
    columns: Columns,
    report: Report | None = None,
    limits: UploadLimits | None = None,
) -> Generator[LabelledRows]:
    """The rows of a file, None is standard input; call `done` behind the last one.

    The columns of a CSV file are looked through first, because their types are told from all of
    their values. Raises InvalidInput, and InvalidUpload in `done`; a stranger's file is read with
    `limits`.
    """
    guessed = _guessed(source, limits)
    with open_rows(source, limits) as file:
        known = merged(Columns(guessed), columns)
        yield CheckedRows(file, partial(_typed, columns=known), report)


def features_file(path: Path) -> Columns:
    """Columns from a description of the dataset in JSON; raises InvalidInput."""
    try:
        return read_features(orjson.loads(path.read_bytes()))
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        detail = f"{path} is no JSON: {error.msg} in line {error.lineno}, column {error.colno}"
        raise InvalidInput(detail) from error


def _guessed(source: Path | None, limits: UploadLimits | None) -> Mapping[str, ColumnType]:
    if source is None or not source.is_file():
        return {}
    guess = TypeGuess()
    with open_rows(source, limits) as file:
        if not file.header:
            return {}
        for row in file.rows:
            if isinstance(row, FileRow):
                guess.see(row.fields)
    return guess.types()


def _typed(fields: Mapping[str, object], columns: Columns) -> dict[str, object]:
    try:
        return columns.typed(fields)
    except BadValue as bad:
        raise BadField(bad.problem) from bad
