"""One row of a file with its number and its bytes, or what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.errors import LineProblem


@dataclass(frozen=True, slots=True)
class FileRow:
    """A row; `number` is its line from 1 (its position from 1 in a list or a Parquet file).

    `raw` is what stands in the file, line end included; rows that are no lines of text come as a
    line of JSON.
    """

    number: int
    fields: Mapping[str, object]
    raw: bytes


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be read."""

    problem: LineProblem
