"""What an export format is: how one finished row becomes one line of a file."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import ClassVar, Protocol

from app.domain.records import Row


class TrainerShape(StrEnum):
    """What other trainers take the lines of a format for; each asks for its own configuration."""

    ALPACA = "alpaca"
    MESSAGES = "messages"
    SHAREGPT = "sharegpt"
    PROMPT_COMPLETION = "prompt_completion"


class Format(Protocol):
    """One layout of exported rows; its options are the fields of a frozen dataclass.

    `file_suffix` begins with a dot and is that of the file that the format's own readers want;
    `description` is one sentence for people who choose. A format may ask for one line per
    instruction instead of one per row (`per_task`), for the origin of each (`wants_origin`), and
    tell the split of a row in the row itself instead of by files (`names_split`). Where all lines
    have the same keys at every depth (`fixed_columns`), they can be columns of a Parquet file.
    """

    name: ClassVar[str]
    file_suffix: ClassVar[str]
    description: ClassVar[str]
    per_task: ClassVar[bool] = False
    wants_origin: ClassVar[bool] = False
    names_split: ClassVar[bool] = False
    fixed_columns: ClassVar[bool] = True

    @property
    def wants_score(self) -> bool:
        """Whether lines tell the score that a judge gave to the row."""
        return False

    def unfit(self, row: Row) -> str | None:
        """Why this format cannot carry the row, as a name in snake_case; None if it can.

        Such rows are left out and counted by that name.
        """
        del row
        return None

    def line(self, row: Row) -> Mapping[str, object]:
        """The row as a JSON object whose keys stand in the order in which they are written."""
        ...

    def facts(self) -> Mapping[str, object]:
        """What a reader of the file must know beside it; they go into its manifest."""
        return {}

    def shape(self) -> TrainerShape | None:
        """What other trainers take the lines for; None where they know no such thing."""
        return None


def fitting_lines(
    chosen: Format, rows: Iterable[Row], left_out: Counter[str]
) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Split and line of each row that the format can carry; the others are counted by reason."""
    for row in rows:
        reason = chosen.unfit(row)
        if reason is None:
            yield row.split, chosen.line(row)
        else:
            left_out[reason] += 1
