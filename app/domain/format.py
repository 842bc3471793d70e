"""What an export format is: how one finished row becomes one line of a file."""

from collections.abc import Mapping
from typing import ClassVar, Protocol

from app.domain.records import Row


class Format(Protocol):
    """One layout of exported rows; its options are the fields of a frozen dataclass.

    `file_suffix` begins with a dot; `description` is one sentence for people who choose.
    """

    name: ClassVar[str]
    file_suffix: ClassVar[str]
    description: ClassVar[str]

    def line(self, row: Row) -> Mapping[str, object]:
        """The row as a JSON object whose keys stand in the order in which they are written."""
        ...
