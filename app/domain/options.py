"""Options as the fields of a frozen dataclass: described once, checked once, shown by every face.

A class of options declares each field with `option(default, help, minimum=..., maximum=...)`.
Field types are int, float, bool, str, a StrEnum, `tuple[str, ...]`, or one of them `| None`.
"""

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, TypeVar

from app.errors import Problem

T = TypeVar("T")


def option(
    default: T,
    help_text: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
) -> T:
    """A dataclass field with its help text, its inclusive limits, or what a list may hold."""
    metadata = {"help": help_text, "minimum": minimum, "maximum": maximum, "choices": choices}
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class OptionField:
    """One option as a face shows it; `kind` is integer, number, boolean, string, enum or list."""

    name: str
    kind: str
    default: object
    help: str
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]
    optional: bool


def option_fields(options_class: type) -> tuple[OptionField, ...]:
    """The options of a class, in the order of their declaration; other fields are left out."""
    hints = typing.get_type_hints(options_class)
    fields = filter(_is_option, dataclasses.fields(options_class))
    return tuple(_describe(field, hints[field.name]) for field in fields)


def parse_options(
    options_class: type[T], given: Mapping[str, object], *, pointer: str = "/options"
) -> tuple[T | None, tuple[Problem, ...]]:
    """The options object, or every problem at once; unknown names are named with the nearest."""
    fields = {field.name: field for field in option_fields(options_class)}
    hints = typing.get_type_hints(options_class)
    problems: list[Problem] = []
    values: dict[str, Any] = {}
    for name, value in given.items():
        where = f"{pointer}/{name}"
        if name not in fields:
            problems.append(_unknown(where, name, list(fields)))
            continue
        converted, problem = _convert(fields[name], hints[name], value, where)
        if problem is None:
            values[name] = converted
        else:
            problems.append(problem)
    if problems:
        return None, tuple(problems)
    return options_class(**values), ()


def options_as_dict(options: object) -> Mapping[str, object]:
    """The fields of an options object as JSON values (tuples become lists)."""
    fields = filter(_is_option, dataclasses.fields(typing.cast(Any, options)))
    return {field.name: _plain(getattr(options, field.name)) for field in fields}


def options_schema(options_class: type) -> Mapping[str, object]:
    """A JSON schema of the class, for OpenAPI and forms."""
    properties = {field.name: _field_schema(field) for field in option_fields(options_class)}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _is_option(field: "dataclasses.Field[Any]") -> bool:
    return "help" in field.metadata


def _plain(value: object) -> object:
    return list(typing.cast("tuple[object, ...]", value)) if isinstance(value, tuple) else value


def _split_optional(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        inner = [each for each in typing.get_args(hint) if each is not types.NoneType]
        return inner[0], True
    return hint, False


def _kind(hint: Any) -> str:
    if typing.get_origin(hint) is tuple:
        return "list"
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return "enum"
    return {bool: "boolean", int: "integer", float: "number", str: "string"}[hint]


def _describe(field: "dataclasses.Field[Any]", hint: Any) -> OptionField:
    inner, optional = _split_optional(hint)
    kind = _kind(inner)
    return OptionField(
        name=field.name,
        kind=kind,
        default=_plain(field.default),
        help=field.metadata.get("help", ""),
        minimum=field.metadata.get("minimum"),
        maximum=field.metadata.get("maximum"),
        choices=tuple(map(str, inner)) if kind == "enum" else field.metadata.get("choices", ()),
        optional=optional,
    )


def _unknown(where: str, name: str, known: list[str]) -> Problem:
    near = get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(sorted(known))}"
    return Problem(where, "unknown_field", f"unknown option {name!r}{hint}")


def _convert(
    field: OptionField, hint: Any, value: object, where: str
) -> tuple[object, Problem | None]:
    if value is None and field.optional:
        return None, None
    match field.kind:
        case "boolean":
            fits, converted = isinstance(value, bool), value
        case "integer":
            fits, converted = (
                isinstance(value, int) and not isinstance(value, bool),
                value,
            )
        case "number":
            fits, converted = _finite(value)
        case "string":
            fits, converted = isinstance(value, str), value
        case "enum":
            fits = isinstance(value, str) and value in field.choices
            converted = _split_optional(hint)[0](value) if fits else value
        case _:
            fits, converted = _strings(value, field.choices)
    if not fits:
        return None, Problem(where, "wrong_type", f"must be {_wanted(field)}")
    return converted, _out_of_range(field, converted, where)


def _finite(value: object) -> tuple[bool, object]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False, value
    try:
        number = float(value)
    except OverflowError:
        return False, value
    return math.isfinite(number), number


def _strings(value: object, choices: tuple[str, ...]) -> tuple[bool, object]:
    if not isinstance(value, list | tuple):
        return False, value
    items = typing.cast("list[object]", value)
    if choices:
        return bool(items) and all(each in choices for each in items), tuple(items)
    return all(isinstance(each, str) for each in items), tuple(items)


def _wanted(field: OptionField) -> str:
    match field.kind:
        case "enum":
            return "one of " + ", ".join(field.choices)
        case "list" if field.choices:
            return "a list of one or more of " + ", ".join(field.choices)
        case "list":
            return "a list of strings"
        case "number":
            return "a finite number"
        case kind:
            return f"a {kind}" if kind != "integer" else "an integer"


def _out_of_range(field: OptionField, value: object, where: str) -> Problem | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    low, high = field.minimum, field.maximum
    if (low is None or value >= low) and (high is None or value <= high):
        return None
    return Problem(where, "out_of_range", f"must be {_limits(low, high)}, not {value}")


def _limits(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"from {low:g} to {high:g}"
    return f"at least {low:g}" if low is not None else f"at most {high:g}"


def _field_schema(field: OptionField) -> Mapping[str, object]:
    schema: dict[str, object] = {"description": field.help, "default": field.default}
    if field.kind == "list":
        item = {"type": "string"} | ({"enum": list(field.choices)} if field.choices else {})
        schema |= {"type": "array", "items": item}
    else:
        schema["type"] = "string" if field.kind == "enum" else field.kind
    if field.choices and field.kind != "list":
        schema["enum"] = list(field.choices)
    if field.minimum is not None:
        schema["minimum"] = field.minimum
    if field.maximum is not None:
        schema["maximum"] = field.maximum
    return schema
