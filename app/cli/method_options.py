"""Method options on the command line: `--option name=value`, read by the kind of each option."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import orjson
from typer import Option

from app.domain.options import OptionField
from app.errors import InvalidInput, Problem

OptionPairs = Annotated[
    list[str] | None, Option(metavar="NAME=VALUE", help="an option of it; may be repeated")
]
FormatName = Annotated[str, Option("--format", help="see `cultivar exports formats`")]
_TRUE = {"true", "yes", "on", "1"}
_FALSE = {"false", "no", "off", "0"}
_NONE = {"null", "none"}


def read_options(pairs: Sequence[str], fields: Sequence[OptionField]) -> Mapping[str, object]:
    """The values by name; a repeated list option gathers its values.

    What does not look right is left as text, and so are unknown names: whoever checks the options
    says what is wrong. Raises InvalidInput for a word without `=`.
    """
    by_name = {field.name: field for field in fields}
    values: dict[str, object] = {}
    for pair in pairs:
        name, separator, text = pair.partition("=")
        name = name.strip().replace("-", "_")
        if not separator or not name:
            problem = Problem("/option", "wrong_type", f"{pair!r} is not name=value")
            raise InvalidInput("An option cannot be read.", problems=[problem])
        field = by_name.get(name)
        value = text if field is None else _value(field, text)
        earlier = values.get(name)
        if isinstance(earlier, list) and isinstance(value, list):
            value = [*earlier, *value]
        values[name] = value
    return values


def _value(field: OptionField, text: str) -> object:
    if field.optional and text.strip().lower() in _NONE:
        return None
    match field.kind:
        case "boolean":
            return _boolean(text)
        case "integer":
            return _number(int, text)
        case "number":
            return _number(float, text)
        case "list":
            return _list(text)
        case _:
            return text


def _boolean(text: str) -> bool | str:
    word = text.strip().lower()
    if word in _TRUE:
        return True
    return False if word in _FALSE else text


def _number(convert: Callable[[str], float], text: str) -> float | str:
    try:
        return convert(text)
    except ValueError:
        return text


def _list(text: str) -> list[object]:
    """A JSON list as it is; anything else is one item, in which \\n stands for a line end."""
    if text.startswith("["):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return [text]
    return [text.replace("\\n", "\n")] if text else []
