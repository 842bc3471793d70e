"""Renders templates as promptsource does, but in Jinja's sandbox, with seeded chance and a bound.

What a template costs in time and memory is not limited here: templates of strangers are rendered
in a process of their own (`app.sandbox`).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from random import Random
from typing import NoReturn, TypeVar, cast

from jinja2 import Template as Compiled
from jinja2 import TemplateSyntaxError, Undefined, meta
from jinja2.exceptions import SecurityError
from jinja2.filters import do_truncate
from jinja2.sandbox import SandboxedEnvironment

from app.domain.templates import (
    CHOICES,
    SEPARATOR,
    Inspection,
    Outcome,
    Rendered,
    Skipped,
    SkipReason,
    SyntaxFault,
    Template,
    split_choices,
)

MAX_CHARACTERS = 1 << 20
_MASK = "\ue000\ue001\ue000"  # as long as what it stands for, and without letters
_DETAIL_CHARACTERS = 300
_COMPILED = 256  # templates and choice expressions kept ready
Item = TypeVar("Item")


class TooLong(Exception):
    """A rendering grew past its bound."""


class Renderer:
    """Renders each of some templates with any row; equal (seed, row, template id), equal text.

    `truncate` cuts the text of each expression to so many characters, None cuts nothing.
    """

    def __init__(
        self,
        templates: Sequence[Template],
        *,
        seed: int = 0,
        max_characters: int = MAX_CHARACTERS,
        truncate: int | None = None,
    ) -> None:
        self._templates = templates
        self._seed = seed
        self._max_characters = max_characters
        self._chance = Random()  # sown anew for every pair
        self._environment = _environment(self._chance, truncate)
        self._compiled = lru_cache(maxsize=_COMPILED)(self._environment.from_string)

    def render(self, position: int, row: int, fields: dict[str, object]) -> Outcome:
        """Make input and target of a row, which the template may change: give a copy of it."""
        template = self._templates[position]
        self._chance.seed(f"{self._seed}:{row}:{template.id}")
        try:
            return self._outcome(template, _masked_columns(fields))
        except Exception as error:  # noqa: BLE001 - a template may raise whatever there is
            return _failure(error)

    def inspect(self, position: int) -> Inspection | SyntaxFault:
        """Parse a template and say what it needs of a row."""
        template = self._templates[position]
        try:
            self._compiled(template.jinja)
            columns = self._variables(template.jinja) - {CHOICES}
            needed = self._variables(template.answer_choices or "")
            fixed = None if needed else self._choices(template, {})
        except TemplateSyntaxError as error:
            return SyntaxFault(_shortened(error.message or "unreadable"), error.lineno)
        except Exception as error:  # noqa: BLE001 - see render
            return SyntaxFault(_failure(error).detail, 1)
        return Inspection(tuple(sorted(columns | needed)), _unmasked_all(fixed))

    def _variables(self, source: str) -> set[str]:
        return meta.find_undeclared_variables(self._environment.parse(source))

    def _outcome(self, template: Template, fields: dict[str, object]) -> Outcome:
        choices = self._choices(template, fields)
        variables = {**fields, CHOICES: None if choices is None else list(choices)}
        text = self._text(template.jinja, variables)
        parts = [_unmasked(part).strip() for part in text.split(SEPARATOR)]
        if len(parts) != 2:
            return _not_two(len(parts))
        given, target = parts
        if not given:
            return Skipped(SkipReason.EMPTY_INPUT)
        if not target:
            return Skipped(SkipReason.EMPTY_TARGET)
        return Rendered(given, target, _unmasked_all(choices) or ())

    def _choices(self, template: Template, fields: Mapping[str, object]) -> Sequence[str] | None:
        """The choices, their own separators still masked."""
        if template.answer_choices is None:
            return None
        return split_choices(self._text(template.answer_choices, fields))

    def _text(self, source: str, variables: Mapping[str, object]) -> str:
        compiled: Compiled = self._compiled(source)
        return "".join(_bounded(compiled.generate(variables), self._max_characters))


class _Sandbox(SandboxedEnvironment):
    """Jinja's sandbox, which refuses at once instead of giving something undefined."""

    def unsafe_undefined(self, obj: object, attribute: str) -> NoReturn:
        raise SecurityError(f"{attribute} of a {type(obj).__name__} is out of bounds")


def _bounded(parts: Iterable[str], limit: int) -> Iterable[str]:
    total = 0
    for part in parts:
        total += len(part)
        if total > limit:
            raise TooLong(f"more than {limit:,} characters")
        yield part


def _environment(chance: Random, truncate: int | None) -> SandboxedEnvironment:
    """Jinja's defaults and promptsource's additions; all that is random draws from `chance`."""
    environment = _Sandbox()
    if truncate is not None:
        environment.finalize = _truncating(environment, truncate)
    names = cast("dict[str, object]", environment.globals)  # pyright: ignore[reportUnknownMemberType]
    names |= {"enumerate": enumerate, "zip": zip}  # the first is of xP3's fork
    del names["lipsum"]  # it cannot be seeded
    filters = cast("dict[str, object]", environment.filters)  # pyright: ignore[reportUnknownMemberType]
    filters |= {
        "choice": chance.choice,
        "random": chance.choice,
        "highlight": _highlight,
        "most_frequent": _most_frequent,
        "permutation": partial(_permutation, chance),
        "reorder": _reorder,
        "to_letter": _to_letter,
    }
    return environment


def _truncating(environment: SandboxedEnvironment, length: int) -> Callable[[object], object]:
    def cut(value: object) -> object:
        return (
            value if isinstance(value, Undefined) else do_truncate(environment, str(value), length)
        )

    return cut


def _highlight(value: str) -> str:
    return f"<span style='color: #F08080'>{value}</span>"


def _most_frequent(items: Sequence[Item]) -> list[Item] | None:
    """The items that are there most often, first come first; None of nothing."""
    if not items:
        return None
    counted = Counter(items).most_common()
    return [item for item, count in counted if count == counted[0][1]]


def _permutation(chance: Random, count: int) -> list[int]:
    return chance.sample(range(count), count)


def _reorder(items: Sequence[Item], order: Sequence[int]) -> list[Item]:
    return [items[position] for position in order]


def _to_letter(number: int) -> str:
    return chr(number + ord("A"))


def _masked_columns(fields: Mapping[str, object]) -> dict[str, object]:
    """The columns under names that a template can write, separators inside their texts masked."""
    masked = {
        name.replace("-", "_"): _masked(value) for name, value in fields.items() if "-" in name
    }
    return masked | {name: _masked(value) for name, value in fields.items()}


def _masked(value: object) -> object:
    if isinstance(value, str):
        return value.replace(SEPARATOR, _MASK)
    if isinstance(value, list):
        return [_masked(each) for each in cast("list[object]", value)]
    if isinstance(value, dict):
        return {key: _masked(each) for key, each in cast("dict[str, object]", value).items()}
    return value


def _unmasked(text: str) -> str:
    return text.replace(_MASK, SEPARATOR)


def _unmasked_all(texts: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if texts is None else tuple(map(_unmasked, texts))


def _not_two(parts: int) -> Skipped:
    if parts == 1:
        return Skipped(SkipReason.NO_SEPARATOR)
    return Skipped(SkipReason.MANY_SEPARATORS, f"{parts} parts")


def _failure(error: Exception) -> Skipped:
    reasons: dict[type[Exception], SkipReason] = {
        TooLong: SkipReason.TOO_LONG,
        MemoryError: SkipReason.MEMORY,
        SecurityError: SkipReason.FORBIDDEN,
    }
    reason = next((reasons[kind] for kind in reasons if isinstance(error, kind)), SkipReason.ERROR)
    return Skipped(reason, _shortened(f"{type(error).__name__}: {error}"))


def _shortened(text: str) -> str:
    return text[:_DETAIL_CHARACTERS].encode("utf-8", "replace").decode("utf-8")
