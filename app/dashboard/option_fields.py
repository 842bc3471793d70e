"""The options of a method as fields of a form: shown from their description, read back by kind."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.dashboard.forms import Form
from app.dashboard.numbers import number
from app.domain.method import MethodOptions
from app.domain.options import OptionField, option_fields

PREFIX = "options/"
PACKAGING = "packaging/"
NULL = "null"
EMPTY = '""'
# A limit this high is there for machines.
_COUNTLESS = 10**12
_SHARED = frozenset(each.name for each in option_fields(MethodOptions))


@dataclass(frozen=True, slots=True)
class ShownOption:
    """One option: `default` is what an empty field means, `given` what was typed."""

    field: OptionField
    name: str
    default: str
    given: str
    ticked: frozenset[str]

    @property
    def label(self) -> str:
        """Its name as people write it."""
        return self.field.name.replace("_", " ")

    @property
    def widget(self) -> str:
        """How it is asked for."""
        if self.field.kind == "list":
            return "boxes" if self.field.choices else "lines"
        return {"boolean": "choice", "enum": "choice"}.get(self.field.kind, "text")

    @property
    def choices(self) -> Sequence[tuple[str, str]]:
        """Values and their words, without the default."""
        if self.field.kind == "boolean":
            return (("true", "yes"), ("false", "no"))
        return tuple((each, each) for each in self.field.choices)

    @property
    def limits(self) -> str:
        """What it may be, in a few words."""
        low, high = self.field.minimum, self.field.maximum
        parts: list[str] = []
        if low is not None and high is not None and high < _COUNTLESS:
            parts.append(f"{number(low)} to {number(high)}")
        elif low is not None:
            parts.append(f"at least {number(low)}")
        if self.widget == "lines":
            parts.append("one a line")
        if self.field.kind in {"string", "list"} and self.widget != "boxes":
            parts.append(r"\n is a line end")
        if self.field.kind == "string":
            parts.append(f"{EMPTY} is no text")
        if self.field.optional:
            parts.append(f"{NULL} is none")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class OptionGroups:
    """A method's own options, and those that every method has."""

    own: Sequence[ShownOption]
    shared: Sequence[ShownOption]


def shown_options(
    fields: Sequence[OptionField],
    profile: Mapping[str, object],
    form: Form,
    prefix: str = PREFIX,
) -> OptionGroups:
    """The options of a method under a profile, with what was typed."""
    shown = [_shown(each, profile.get(each.name, each.default), form, prefix) for each in fields]
    own = [each for each in shown if each.field.name not in _SHARED]
    return OptionGroups(own, [each for each in shown if each.field.name in _SHARED])


def _shown(field: OptionField, default: object, form: Form, prefix: str) -> ShownOption:
    name = prefix + field.name
    ticked: Sequence[str] = [each for each in form.texts(name) if each]
    if name not in form.fields and isinstance(default, list | tuple):
        ticked = [str(each) for each in default]
    return ShownOption(field, name, written(default), form.raw(name), frozenset(ticked))


def written(value: object) -> str:
    """A value as one would type it."""
    match value:
        case None:
            return NULL
        case bool():
            return "yes" if value else "no"
        case "":
            return EMPTY
        case list() | tuple():
            return "\n".join(written(each) for each in value) or "[]"
        case float():
            return f"{value:g}"
        case _:
            return str(value).replace("\n", "\\n")


def typed(field: OptionField, value: object) -> Sequence[str]:
    """What the fields of a form hold for a value: the other way round of `read_options`."""
    if field.kind == "boolean" and isinstance(value, bool):
        return ["true" if value else "false"]
    if field.choices and isinstance(value, list | tuple):
        return ["", *map(str, value)]
    return [written(value)]


def read_options(
    fields: Sequence[OptionField], form: Form, prefix: str = PREFIX
) -> Mapping[str, object]:
    """The options that were given; what does not look right is left as text, to be told so."""
    values: dict[str, object] = {}
    for each in fields:
        name = prefix + each.name
        if each.choices and each.kind == "list" and name in form.fields:
            values[each.name] = [item for item in form.texts(name) if item]
        elif form.raw(name).strip():
            values[each.name] = _value(each, form.raw(name))
    return values


def _value(field: OptionField, raw: str) -> object:
    text = raw.strip()
    if field.optional and text.lower() in {NULL, "none"}:
        return None
    match field.kind:
        case "boolean":
            return {"true": True, "false": False}.get(text, text)
        case "integer":
            return _integer(text)
        case "number":
            return _number(text)
        case "list":
            return [_text(line) for line in raw.split("\n") if line.strip() and text != "[]"]
        case "string":
            return _text(raw.rstrip("\n"))
        case _:
            return text


def _text(line: str) -> str:
    return "" if line.strip() == EMPTY else line.replace("\\n", "\n")


def _integer(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:
        return text


def _number(text: str) -> float | str:
    try:
        found = float(text)
    except ValueError:
        return text
    return found if math.isfinite(found) else text
