"""The filters of a job: which are on, with which limits, and whether they drop or only flag."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, cast

from app.domain.filter import Action
from app.domain.filters import (
    GROUP_FILTERS,
    INSTANCE_FILTERS,
    INSTRUCTION_FILTERS,
    ROW_FILTERS,
)
from app.domain.options import OptionField, option_fields, options_as_dict, parse_options
from app.domain.records import Candidate, Instance
from app.errors import Problem

Reason = Callable[[str, Instance], str | None]
Stored = Mapping[str, Mapping[str, object] | None]
"""What a job says about filters: the settings of those that are on, None for those that are off."""

# Where a filter's reasons have other names than the filter.
_REASONS = {
    "word_count": ("too_short", "too_long"),
    "character_count": ("too_short", "too_long"),
}
_NEVER_OFF = {"empty": "an instruction without text can be neither asked nor compared"}
_NOT_CHOSEN = {
    name: "of the method alone: it can be switched off, and its limits are options of the method"
    for name in GROUP_FILTERS
}


class FilterKind(StrEnum):
    """What a filter looks at, and so how early it can drop something."""

    INSTRUCTION = "instruction"
    INSTANCE = "instance"
    ROW = "row"
    GROUP = "group"


_KINDS: Mapping[FilterKind, Mapping[str, type[Any]]] = {
    FilterKind.INSTRUCTION: INSTRUCTION_FILTERS,
    FilterKind.INSTANCE: INSTANCE_FILTERS,
    FilterKind.ROW: ROW_FILTERS,
    FilterKind.GROUP: GROUP_FILTERS,
}
NAMES: tuple[str, ...] = tuple(name for known in _KINDS.values() for name in known)


@dataclass(frozen=True, slots=True)
class FilterDescription:
    """One filter as a face shows it; `reasons` are the names that it drops under."""

    name: str
    kind: FilterKind
    summary: str
    source: str
    reasons: tuple[str, ...]
    settings: Sequence[OptionField]


def described() -> Sequence[FilterDescription]:
    """Every filter, in the order in which they are asked."""
    return [_described(name) for name in NAMES]


def kind_of(name: str) -> FilterKind:
    """The kind of a filter that exists."""
    return next(kind for kind, known in _KINDS.items() if name in known)


def reasons_of(name: str) -> tuple[str, ...]:
    """The names under which a filter drops."""
    return _REASONS.get(name, (name,))


def can_be_off(name: str) -> bool:
    """Whether a job can do without a filter."""
    return name not in _NEVER_OFF


def _class_of(name: str) -> type[Any]:
    return _KINDS[kind_of(name)][name]


def _described(name: str) -> FilterDescription:
    known = _class_of(name)
    kind = kind_of(name)
    summary = inspect.getdoc(inspect.getmodule(known)) or ""
    return FilterDescription(
        name=name,
        kind=kind,
        summary=_flowing(summary.partition("\n\n")[0]),
        source=_flowing(inspect.getdoc(known) or ""),
        reasons=reasons_of(name),
        settings=() if kind is FilterKind.GROUP else option_fields(known),
    )


def _flowing(text: str) -> str:
    return " ".join(text.split())


@dataclass(frozen=True, slots=True)
class Rule:
    """One filter that is on."""

    name: str
    action: Action
    reason: Reason


@dataclass(frozen=True, slots=True)
class Judged:
    """A row after its filters: dropped by its reasons, or standing with what flags it."""

    instance: Instance
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JobFilters:
    """The rules of a job, beside those that its method applies by itself.

    `early` rules drop an instruction before its answer is paid for. `struck` are reasons of the
    method's own filters that do not hold, as the job says something else about those filters.
    """

    early: tuple[Rule, ...] = ()
    late: tuple[Rule, ...] = ()
    struck: frozenset[str] = frozenset()

    def at_once(self) -> "JobFilters":
        """The same rules for rows that are there already: nothing is dropped before its answer."""
        return replace(self, early=(), late=(*self.early, *self.late))

    def judge_candidate(self, candidate: Candidate) -> Candidate:
        """The candidate with the reasons that hold."""
        kept = self._held(candidate.reasons)
        found = _reasons(self.early, candidate.instruction, _NO_INSTANCE)
        if not found and kept == candidate.reasons:
            return candidate
        return replace(candidate, reasons=(*kept, *found))

    def judge(self, instruction: str, instance: Instance) -> Judged:
        """The row with the reasons that hold; one that is dropped is not judged further."""
        kept = self._held(instance.reasons)
        if kept:
            return Judged(instance if kept == instance.reasons else replace(instance, reasons=kept))
        found: list[str] = []
        flags: list[str] = []
        for rule in self.late:
            reason = rule.reason(instruction, instance)
            if reason is not None:
                (found if rule.action is Action.DROP else flags).append(reason)
        same = not found and not instance.reasons
        judged = instance if same else replace(instance, reasons=tuple(found))
        return Judged(judged, tuple(flags))

    def _held(self, reasons: tuple[str, ...]) -> tuple[str, ...]:
        if not self.struck or not reasons:
            return reasons
        return tuple(each for each in reasons if each not in self.struck)


NO_FILTERS = JobFilters()
_NO_INSTANCE = Instance("", "")


def _reasons(rules: Sequence[Rule], instruction: str, instance: Instance) -> tuple[str, ...]:
    found = (rule.reason(instruction, instance) for rule in rules)
    return tuple(reason for reason in found if reason is not None)


def resolve(
    defaults: Mapping[str, Action], given: Mapping[str, object], *, pointer: str = "/filters"
) -> tuple[Stored | None, tuple[Problem, ...]]:
    """What a job says about filters, in full, or every problem at once.

    A value is true or false, ``drop`` or ``flag``, or an object of settings, with the action among
    them. What is not given is as the defaults have it.
    """
    problems: list[Problem] = []
    chosen: dict[str, Mapping[str, object] | None] = {}
    for name in [*defaults, *(each for each in given if each not in defaults)]:
        where = f"{pointer}/{name}"
        value = given.get(name, True)
        found, wrong = _chosen(name, value, defaults.get(name, Action.DROP), where)
        problems += wrong
        chosen[name] = found
    if problems:
        return None, tuple(problems)
    return {name: chosen[name] for name in NAMES if name in chosen}, ()


def _chosen(
    name: str, value: object, action: Action, where: str
) -> tuple[Mapping[str, object] | None, tuple[Problem, ...]]:
    refused = _refused(name, value, where)
    if refused is not None:
        return None, (refused,)
    if value is False:
        return None, ()
    settings = dict(cast("Mapping[str, object]", value)) if isinstance(value, Mapping) else {}
    wanted = value if isinstance(value, str) else settings.pop("action", action)
    if wanted not in tuple(Action):
        return None, (Problem(f"{where}/action", "wrong_type", "must be drop or flag"),)
    rule, problems = parse_options(_class_of(name), settings, pointer=where)
    if rule is None:
        return None, problems
    return {"action": str(wanted), **options_as_dict(rule)}, ()


def _refused(name: str, value: object, where: str) -> Problem | None:
    """Why nothing can be said about this filter, or not this."""
    if name not in NAMES:
        near = get_close_matches(name, NAMES, n=1)
        hint = f"did you mean {near[0]}?" if near else "see GET /v1/filters"
        return Problem(where, "unknown_filter", f"there is no filter {name!r}; {hint}")
    if not isinstance(value, bool | str | Mapping):
        detail = "must be true, false, drop, flag, or an object of settings"
        return Problem(where, "wrong_type", detail)
    if value is False and name in _NEVER_OFF:
        return Problem(where, "conflicting_options", _NEVER_OFF[name])
    if value is not False and name in _NOT_CHOSEN:
        return Problem(where, "conflicting_options", _NOT_CHOSEN[name])
    return None


def build(stored: Stored) -> tuple[JobFilters | None, tuple[Problem, ...]]:
    """The rules of what was resolved and stored, or what this version does not understand."""
    rules: list[tuple[FilterKind, Rule]] = []
    struck: set[str] = set()
    for name, settings in stored.items():
        struck |= set(reasons_of(name))
        if settings is None:
            continue
        rule, problems = _rule(name, settings)
        if rule is None:
            return None, problems
        rules.append((kind_of(name), rule))
    early = [rule for kind, rule in rules if _is_early(kind, rule)]
    late = [rule for kind, rule in rules if not _is_early(kind, rule)]
    return JobFilters(tuple(early), tuple(late), frozenset(struck)), ()


def _is_early(kind: FilterKind, rule: Rule) -> bool:
    return kind is FilterKind.INSTRUCTION and rule.action is Action.DROP


def _rule(name: str, settings: Mapping[str, object]) -> tuple[Rule | None, tuple[Problem, ...]]:
    where = f"/filters/{name}"
    if name not in NAMES:
        return None, (Problem(where, "unknown_filter", "this version has no such filter"),)
    given = {key: value for key, value in settings.items() if key != "action"}
    found, problems = parse_options(_class_of(name), given, pointer=where)
    if found is None:
        return None, problems
    return Rule(name, Action(str(settings["action"])), _asker(kind_of(name), found)), ()


def _asker(kind: FilterKind, rule: Any) -> Reason:
    """A filter of any kind as a rule on rows."""
    match kind:
        case FilterKind.INSTRUCTION:
            return lambda instruction, _: rule.reason(instruction)
        case FilterKind.INSTANCE:
            return lambda _, instance: rule.reason(instance)
        case _:
            return rule.reason
