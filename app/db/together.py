"""Several queries asked in one statement: what is looked at again and again is asked for once."""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import sqlalchemy as sa

Value = TypeVar("Value")
_READERS: Mapping[type[object], Callable[[Any], object]] = {
    UUID: UUID,
    datetime: datetime.fromisoformat,
    bytes: lambda text: bytes.fromhex(text.removeprefix("\\x")),
}


@dataclass(frozen=True, slots=True)
class Question(Generic[Value]):
    """A query, and what its rows come to."""

    query: "sa.Select[*tuple[Any, ...]]"
    read: Callable[[Sequence[Any]], Value]


class Answer(Generic[Value]):
    """What a question came to, once it was asked."""

    def __init__(self) -> None:
        self._found: list[Value] = []

    @property
    def value(self) -> Value:
        """It; raises IndexError before it was asked."""
        return self._found[0]

    def give(self, value: Value) -> None:
        """Say what it came to."""
        self._found = [value]


def ask(connection: sa.Connection, question: Question[Value]) -> Value:
    """Ask one question by itself."""
    return question.read(connection.execute(question.query).all())


class Together:
    """Questions that are asked in one statement, of one state of the database."""

    def __init__(self) -> None:
        self._asked: list[tuple[Question[Any], Answer[Any]]] = []

    def add(self, question: Question[Value]) -> Answer[Value]:
        """Have it asked with the others; its answer is there afterwards."""
        answer = Answer[Value]()
        self._asked.append((question, answer))
        return answer

    def ask(self, connection: sa.Connection) -> None:
        """Ask them all."""
        parts = [question.query.subquery(f"q{n}") for n, (question, _) in enumerate(self._asked)]
        found = connection.execute(sa.select(*map(_gathered, parts))).one()
        for (question, answer), part, rows in zip(self._asked, parts, found, strict=True):
            answer.give(question.read(_rows(part, rows)))


def _gathered(part: "sa.Subquery") -> "sa.ColumnElement[Any]":
    """The rows of a query, in its order, as one JSON array of arrays."""
    row = sa.func.json_build_array(*part.c)
    rows = sa.func.coalesce(sa.func.json_agg(row), sa.literal([], sa.JSON), type_=sa.JSON)
    return sa.select(rows).select_from(part).scalar_subquery()


def _rows(part: "sa.Subquery", values: Sequence[Sequence[Any]]) -> Sequence[Any]:
    """Rows as a query by itself would give them: named, and of its columns' types."""
    shape = namedtuple("Row", part.c.keys(), rename=True)
    readers = [_reader(column) for column in part.c]
    return [
        shape(*(read(value) for read, value in zip(readers, row, strict=True))) for row in values
    ]


def _reader(column: "sa.ColumnElement[Any]") -> Callable[[Any], Any]:
    if isinstance(column.type, sa.types.NullType):
        raise TypeError("Give each column a type: what is read from JSON has none.")
    if isinstance(column.type, sa.types.JSON | sa.types.ARRAY):
        return lambda value: value
    read = _READERS.get(column.type.python_type)
    return lambda value: value if value is None or read is None else read(value)
