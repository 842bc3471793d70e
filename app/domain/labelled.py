"""Labelled rows: the types of their columns, and the names of their classes."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, cast

from app.domain.templates import CHOICES
from app.errors import InvalidInput, Problem

_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")
_NO_LABEL = -1
_TRUE, _FALSE = {"true", "yes", "1"}, {"false", "no", "0"}


class ColumnType(StrEnum):
    """What the values of a column are."""

    TEXT = "text"
    INT = "int"
    FLOAT = "float"
    BOOL = "bool"


class BadValue(ValueError):
    """A value that does not fit its column; `problem` says where and how to mend it."""

    def __init__(self, column: str, code: str, detail: str) -> None:
        super().__init__(detail)
        self.problem = Problem(f"/{column}", code, detail)


@dataclass(frozen=True, slots=True)
class Columns:
    """Types by column, and the names of the classes by number; columns not named stay as they are.

    A column with names may hold numbers or names; -1 and null stand for no class. Templates get
    the number as `COLUMN`, the name as `COLUMN_name` and all names as `COLUMN_names`, the latter
    two where no column is called so.
    """

    types: Mapping[str, ColumnType] = field(default_factory=dict[str, ColumnType])
    names: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])

    def typed(self, fields: Mapping[str, object]) -> dict[str, object]:
        """The row with its columns typed; raises BadValue."""
        if CHOICES in fields:
            detail = f"templates know their choices as {CHOICES}; rename the column"
            raise BadValue(CHOICES, "reserved_name", detail)
        row = dict(fields)
        for column, kind in self.types.items():
            if column in row and column not in self.names:
                row[column] = _converted(column, row[column], kind)
        for column, names in self.names.items():
            if column in row:
                self._label(row, column, names)
        return row

    def extra(self) -> set[str]:
        """The variables that templates find besides the columns."""
        return {f"{column}_{ending}" for column in self.names for ending in ("name", "names")}

    def _label(self, row: dict[str, object], column: str, names: Sequence[str]) -> None:
        number = _class_number(column, row[column], names)
        row[column] = number
        row.setdefault(f"{column}_name", None if number in (None, _NO_LABEL) else names[number])
        row.setdefault(f"{column}_names", list(names))


def _class_number(column: str, value: object, names: Sequence[str]) -> Any:
    if value is None:
        return None
    if isinstance(value, str):
        if value in names:
            return names.index(value)
        if not _WHOLE.fullmatch(value):
            known = ", ".join(names[:10])
            raise BadValue(column, "unknown_label", f"{value[:80]} is none of {known}")
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        detail = f"{column} must be the number or the name of a class"
        raise BadValue(column, "wrong_type", detail)
    if not _NO_LABEL <= value < len(names):
        detail = f"{value} is no class; there are {len(names)}, from 0 to {len(names) - 1}"
        raise BadValue(column, "unknown_label", detail)
    return value


def _converted(column: str, value: object, kind: ColumnType) -> object:
    if kind is ColumnType.TEXT:
        return value if isinstance(value, str | None) else str(value)
    if value is None or value == "":
        return None
    try:
        match kind:
            case ColumnType.INT:
                return int(cast(Any, value))
            case ColumnType.FLOAT:
                return float(cast(Any, value))
            case ColumnType.BOOL:
                return _flag(value)
    except (TypeError, ValueError):
        detail = f"{str(value)[:80]} is no {kind}"
        raise BadValue(column, "wrong_type", detail) from None


def _flag(value: object) -> bool:
    text = str(value).lower()
    if text in _TRUE | _FALSE:
        return text in _TRUE
    raise ValueError(text)


class TypeGuess:
    """The types of text columns (CSV has no others), told from all their values.

    A column becomes numbers, or true and false, only where every value is written just as it
    would be printed again, so a rendered text is the same either way.
    """

    def __init__(self) -> None:
        self._left: dict[str, set[ColumnType]] = {}

    def see(self, fields: Mapping[str, object]) -> None:
        """Take the values of one more row into account."""
        for column, value in fields.items():
            left = self._left.setdefault(column, {*_SPELLINGS})
            if left:
                left -= {kind for kind in left if not _SPELLINGS[kind](value)}

    def types(self) -> dict[str, ColumnType]:
        """The type of each column that is more than text."""
        order = (ColumnType.INT, ColumnType.FLOAT, ColumnType.BOOL)
        guessed = {
            column: next((kind for kind in order if kind in left), ColumnType.TEXT)
            for column, left in self._left.items()
        }
        return {column: kind for column, kind in guessed.items() if kind is not ColumnType.TEXT}


def _is_whole(value: object) -> bool:
    return isinstance(value, str) and _WHOLE.fullmatch(value) is not None


def _is_decimal(value: object) -> bool:
    if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]+\.[0-9]+", value):
        return False
    return repr(float(value)) == value


def _is_flag(value: object) -> bool:
    return value in ("True", "False")


_SPELLINGS = {
    ColumnType.INT: _is_whole,
    ColumnType.FLOAT: _is_decimal,
    ColumnType.BOOL: _is_flag,
}


def read_columns(types: Iterable[str], names: Iterable[str]) -> Columns:
    """Columns from `column=type` and `column=name,name,...`; raises InvalidInput."""
    problems: list[Problem] = []
    return _checked(
        Columns(
            {column: _type(kind, column, problems) for column, kind in _pairs(types, problems)},
            {column: _names(text, column, problems) for column, text in _pairs(names, problems)},
        ),
        problems,
    )


def read_features(value: object) -> Columns:
    """Columns from the description of a dataset as Hugging Face's `datasets` writes it.

    Either a mapping of features, or one under `features`, alone or below the name of the only
    configuration. Raises InvalidInput.
    """
    types: dict[str, ColumnType] = {}
    names: dict[str, Sequence[str]] = {}
    for column, feature in _features(value).items():
        known = cast("dict[str, Any]", feature) if isinstance(feature, dict) else {}
        if known.get("_type") == "ClassLabel" or ("names" in known and "dtype" not in known):
            names[column] = tuple(map(str, known.get("names") or ()))
        elif kind := _value_type(str(known.get("dtype", ""))):
            types[column] = kind
    return Columns(types, names)


def merged(first: Columns, second: Columns) -> Columns:
    """Both; where they differ the second one counts."""
    return Columns({**first.types, **second.types}, {**first.names, **second.names})


def _features(value: object) -> dict[str, object]:
    found = value
    if isinstance(found, dict):
        members = cast("dict[str, object]", found)
        if "features" not in members and len(members) == 1:
            inner = next(iter(members.values()))
            members = cast("dict[str, object]", inner) if _has_features(inner) else members
        found = members.get("features", members)
    if not isinstance(found, dict):
        raise InvalidInput('A features file is a JSON object such as {"features": {...}}.')
    return cast("dict[str, object]", found)


def _has_features(value: object) -> bool:
    return isinstance(value, dict) and "features" in value


def _value_type(dtype: str) -> ColumnType | None:
    for beginnings, kind in (
        (("int", "uint"), ColumnType.INT),
        (("float", "double"), ColumnType.FLOAT),
        (("bool",), ColumnType.BOOL),
        (("string", "large_string"), ColumnType.TEXT),
    ):
        if dtype.startswith(beginnings):
            return kind
    return None


def _pairs(given: Iterable[str], problems: list[Problem]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for each in given:
        column, sign, text = each.partition("=")
        if sign and column.strip() and text.strip():
            pairs.append((column.strip(), text))
        else:
            problems.append(Problem(f"/{each}", "wrong_type", "write COLUMN=..., as in label=int"))
    return pairs


def _type(text: str, column: str, problems: list[Problem]) -> ColumnType:
    if text.strip() in {*ColumnType}:
        return ColumnType(text.strip())
    detail = f"{text} is no type; types are {', '.join(ColumnType)}"
    problems.append(Problem(f"/{column}", "unknown_type", detail))
    return ColumnType.TEXT


def _names(text: str, column: str, problems: list[Problem]) -> tuple[str, ...]:
    names = tuple(each.strip() for each in text.split(","))
    if len({*names}) < len(names) or "" in names:
        problems.append(
            Problem(f"/{column}", "repeated_name", "every class needs a name of its own")
        )
    return names


def _checked(columns: Columns, problems: Sequence[Problem]) -> Columns:
    if problems:
        raise InvalidInput("The columns cannot be described so.", problems=problems)
    return columns
