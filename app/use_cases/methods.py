"""Methods and formats as people choose them: names, options with limits, profiles."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.domain.formats import FORMATS
from app.domain.methods import METHODS
from app.domain.options import OptionField, option_fields, options_schema
from app.domain.packaging import Packaging
from app.domain.profiles import PublishedMethod, configure
from app.domain.prompts.own_texts import PromptText, prompt_texts, text_problems
from app.errors import NotFound, Problem


@dataclass(frozen=True, slots=True)
class MethodDescription:
    """One method: what it is, its options, and the option values that each profile sets.

    `draws_from` names the field of a job that it needs; `calls` is whether it asks a teacher.
    `prompts` are the texts that a job may replace, each with ours in every language.
    Of a seed set, `takes` is the kind, and `seeds_wanted` what it needs of it.
    """

    name: str
    summary: str
    draws_from: str
    calls: bool
    takes: str
    seeds_wanted: str
    options: Sequence[OptionField]
    profiles: Mapping[str, Mapping[str, object]]
    schema: Mapping[str, object]
    prompts: Sequence[PromptText]


@dataclass(frozen=True, slots=True)
class FormatDescription:
    """One export format; `file_suffix` begins with a dot."""

    name: str
    description: str
    file_suffix: str
    options: Sequence[OptionField]


def all_methods() -> Sequence[MethodDescription]:
    """Every method, in the order of the registry."""
    return [_described(name, method) for name, method in METHODS.items()]


def get(name: str) -> MethodDescription:
    """One method; raises NotFound."""
    if name not in METHODS:
        raise NotFound(f"There is no method {name[:80]}; known: {', '.join(METHODS)}.")
    return _described(name, METHODS[name])


def _described(name: str, method: type[PublishedMethod]) -> MethodDescription:
    module = inspect.getmodule(method)
    summary = (inspect.getdoc(module) or "").partition("\n\n")[0].replace("\n", " ")
    return MethodDescription(
        name=name,
        summary=summary,
        draws_from=str(method.DRAWS_FROM),
        calls=method.CALLS,
        takes=method.TAKES,
        seeds_wanted=method.SEEDS_WANTED,
        options=option_fields(method),
        profiles=method.PROFILES,
        schema=options_schema(method),
        prompts=prompt_texts(name),
    )


def known(name: str) -> bool:
    """Whether there is such a method."""
    return name in METHODS


def needs(name: str, field: str) -> bool:
    """Whether a job of a method must have a field: what it draws from, and for calls a teacher."""
    if name not in METHODS:
        return False
    return bool({field, field.removesuffix("_id")} & METHODS[name].needs())


def draws_running(name: str) -> bool:
    """Whether a method takes rows of jobs that have not ended."""
    return name in METHODS and METHODS[name].DRAWS_RUNNING


def option_problems(name: str, profile: str, options: Mapping[str, object]) -> tuple[Problem, ...]:
    """What is wrong with the options of a method; nothing for a method that does not exist."""
    return configure(METHODS[name], profile, options)[1] if name in METHODS else ()


def prompt_problems(name: str, prompts: Mapping[str, object]) -> tuple[Problem, ...]:
    """What is wrong with a user's prompt texts; nothing for a method that does not exist."""
    return tuple(text_problems(name, prompts)) if name in METHODS else ()


def prompt_text(method: str, name: str, language: str) -> str:
    """Our text of that name, to start from; raises NotFound."""
    found = get(method)
    texts = {each.name: each.texts for each in found.prompts}
    if name not in texts:
        raise NotFound(f"{method} has no text {name[:80]}; known: {', '.join(texts) or 'none'}.")
    if language not in texts[name]:
        raise NotFound(f"There is none in {language[:80]}; known: {', '.join(texts[name])}.")
    return texts[name][language]


def all_formats() -> Sequence[FormatDescription]:
    """Every export format, in the order of the registry."""
    return [
        FormatDescription(name, each.description, each.file_suffix, option_fields(each))
        for name, each in FORMATS.items()
    ]


def packaging_fields() -> Sequence[OptionField]:
    """What may be said of any export beside its format."""
    return option_fields(Packaging)
