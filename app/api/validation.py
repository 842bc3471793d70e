"""What pydantic found in a body, a query or a path, in our words: codes, pointers, limits."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from annotated_types import Ge, Le
from fastapi.exceptions import RequestValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from app.api.field_codes import code_at
from app.errors import CultivarError, InvalidInput, NotFound, Problem
from app.files.json_scan import pointer_token

CARRIED = "problems"
_SHOWN_CHARS = 80
_CODES = {
    "missing": "missing_field",
    "string_too_long": "too_long",
    "too_long": "too_long",
    "string_too_short": "blank",
    "too_short": "blank",
    "finite_number": "out_of_range",
    "greater_than": "out_of_range",
    "greater_than_equal": "out_of_range",
    "less_than": "out_of_range",
    "less_than_equal": "out_of_range",
    "int_parsing_size": "out_of_range",
}
_WANTED = {
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "str": "text",
    "uuid": "an id",
    "dict": "an object",
    "mapping": "an object",
    "model": "an object",
    "list": "a list",
}


def carrying(problems: Sequence[Problem]) -> PydanticCustomError:
    """A validator's error that carries problems found by a use case, to be told with all others."""
    return PydanticCustomError(CARRIED, "has problems", {CARRIED: tuple(problems)})


def translated(
    failure: RequestValidationError, fields: Mapping[str, FieldInfo], path: str
) -> CultivarError:
    """NotFound when an id cannot be one, else InvalidInput with every problem.

    `fields` are the fields of the body and the parameters of the query, by name.
    """
    found = failure.errors()
    for error in found:
        if error["loc"][0] == "path" or (error["loc"][0] == "query" and "uuid" in error["type"]):
            return _no_such(str(error["loc"][-1]), error.get("input"))
    problems = [each for error in found for each in _problems(error, fields)]
    return InvalidInput(f"Correct what is listed and send it again to {path}.", problems=problems)


def no_such(noun: str, given: object) -> NotFound:
    """The same words whether an id is malformed or unknown."""
    return NotFound(f"There is no {noun} {str(given)[:_SHOWN_CHARS]}.")


def _no_such(parameter: str, given: object) -> NotFound:
    return no_such(parameter.removesuffix("_id").replace("_", " "), given)


def unknown_name(pointer: str, name: str, known: Sequence[str], noun: str) -> Problem:
    """An unknown field or parameter, with the nearest known name."""
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known)) or 'none'}"
    return Problem(pointer, "unknown_field", f"unknown {noun} {name[:_SHOWN_CHARS]!r}; {hint}")


def _problems(error: Mapping[str, Any], fields: Mapping[str, FieldInfo]) -> Iterator[Problem]:
    place, *steps = error["loc"]
    kind: str = error["type"]
    if kind == CARRIED:
        yield from error["ctx"][CARRIED]
        return
    pointer = "".join(pointer_token(str(step)) for step in steps)
    if kind == "extra_forbidden":
        yield unknown_name(pointer, str(steps[-1]), list(fields), "field")
        return
    name = str(steps[0]) if steps else ""
    if place == "body" and "uuid" in kind:
        noun = name.removesuffix("_id").replace("_", " ")
        yield Problem(pointer, "not_found", f"there is no such {noun}")
        return
    detail = _detail(kind, error, fields.get(name) if len(steps) == 1 else None)
    yield Problem(pointer, code_at(pointer, _CODES.get(kind, "wrong_type")), detail)


def _detail(kind: str, error: Mapping[str, Any], field: FieldInfo | None) -> str:
    if kind == "missing":
        return "is required"
    if kind in {"enum", "literal_error"}:
        return f"must be {error['ctx']['expected']}".replace("'", "")
    if kind == "string_pattern_mismatch":
        return f"must match {error['ctx']['pattern']}"
    if kind == "string_too_long":
        return f"at most {error['ctx']['max_length']:,} characters"
    if _CODES.get(kind) == "out_of_range":
        return f"must be {_limits(field)}" if field else str(error["msg"])
    wanted = _WANTED.get(kind.split("_")[0])
    return f"must be {wanted}" if wanted else str(error["msg"])


def _limits(field: FieldInfo) -> str:
    low = next((each.ge for each in field.metadata if isinstance(each, Ge)), None)
    high = next((each.le for each in field.metadata if isinstance(each, Le)), None)
    match low, high:
        case None, None:
            return "a finite number"
        case _, None:
            return f"at least {low:,}"
        case None, _:
            return f"at most {high:,}"
        case _:
            return f"from {low:,} to {high:,}"
