"""What the command line says of labelled columns: their types and the names of their classes."""

from pathlib import Path
from typing import Annotated

from typer import Option

from app.domain.labelled import Columns, merged, read_columns
from app.use_cases.labelled_rows import features_file

LabelNames = Annotated[
    list[str] | None, Option(help="COLUMN=a,b,c: the classes of a label column; may be repeated")
]
Types = Annotated[
    list[str] | None, Option("--type", help="COLUMN=text, int, float or bool; may be repeated")
]
Features = Annotated[
    Path | None, Option(help="types and label names as a dataset_info.json has them")
]


def read_described(
    types: list[str] | None, names: list[str] | None, features: Path | None
) -> Columns:
    """All that was said, the words of the command line above those of a file."""
    described = Columns() if features is None else features_file(features)
    return merged(described, read_columns(types or (), names or ()))
