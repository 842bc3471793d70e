"""What a caller says about a job's filters and evaluation sets, checked and written out in full."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast
from uuid import UUID

from app.db.engine import Connection
from app.domain.contamination import Decontamination
from app.domain.filter import Action
from app.domain.filtering import Stored, resolve
from app.domain.methods import METHODS
from app.domain.options import OptionField, option_fields, options_as_dict, parse_options
from app.domain.stored import SetOverlaps
from app.errors import Problem
from app.use_cases.evaluation_sets import missing
from app.use_cases.sifting import SETS

_MOST_SETS = 20


class Described(Protocol):
    """The parts of a job's description that matter here."""

    @property
    def method(self) -> str: ...
    @property
    def profile(self) -> str: ...
    @property
    def filters(self) -> Mapping[str, object]: ...
    @property
    def decontamination(self) -> Mapping[str, object] | None: ...


@dataclass(frozen=True, slots=True)
class RowRules:
    """Filters and evaluation rules as they are stored with a job: every setting, so that they stay
    as they are when defaults change."""

    filters: Stored = field(default_factory=dict[str, Mapping[str, object] | None])
    decontamination: Mapping[str, object] | None = None
    evaluation_set_ids: Sequence[UUID] = ()


def row_rules(connection: Connection, details: Described) -> tuple[RowRules, Sequence[Problem]]:
    """The rules of a job as described, or every problem at once."""
    filters, wrong = resolve(filter_defaults(details.method, details.profile), details.filters)
    if not details.decontamination:
        return RowRules(filters or {}), wrong
    decontamination, set_ids, more = resolved_decontamination(details.decontamination)
    problems = [*wrong, *more]
    problems += [_no_set(place) for place in _gone(connection, set_ids)]
    return RowRules(filters or {}, decontamination, set_ids), problems


def filter_defaults(method: str, profile: str) -> Mapping[str, Action]:
    """The filters that are on without a word, with what they do."""
    known = METHODS.get(method)
    return known.FILTERS.get(profile, {}) if known else {}


def overlap_fields() -> Sequence[OptionField]:
    """What may be said of overlaps with evaluation sets, beside which sets."""
    return option_fields(Decontamination)


def filter_problems(
    method: str, profile: str, filters: Mapping[str, object]
) -> tuple[Problem, ...]:
    """What is wrong with what is said about filters."""
    return resolve(filter_defaults(method, profile), filters)[1]


def resolved_decontamination(
    given: Mapping[str, object],
) -> tuple[Mapping[str, object], Sequence[UUID], Sequence[Problem]]:
    """Evaluation rules in full, the sets they name, and every problem."""
    settings = {name: value for name, value in given.items() if name != SETS}
    wanted, problems = parse_options(Decontamination, settings, pointer="/decontamination")
    set_ids, wrong = _set_ids(given.get(SETS))
    if wanted is None:
        return {}, (), [*problems, *wrong]
    if wanted.ngram is None and wanted.rouge_l is None:
        detail = "give ngram or rouge_l: without both nothing is looked for"
        wrong = [*wrong, Problem("/decontamination", "missing_field", detail)]
    stored = {SETS: [str(each) for each in set_ids], **options_as_dict(wanted)}
    return stored, set_ids, wrong


def _set_ids(given: object) -> tuple[Sequence[UUID], Sequence[Problem]]:
    where = f"/decontamination/{SETS}"
    if not isinstance(given, list | tuple) or not given:
        return (), [Problem(where, "missing_field", "name one or more evaluation sets")]
    named = list(dict.fromkeys(map(str, cast("Sequence[object]", given))))
    if len(named) > _MOST_SETS:
        return (), [Problem(where, "too_long", f"at most {_MOST_SETS} sets")]
    try:
        return [UUID(each) for each in named], ()
    except ValueError:
        return (), [Problem(where, "wrong_type", "must be ids of evaluation sets")]


def _gone(connection: Connection, set_ids: Sequence[UUID]) -> Sequence[int]:
    gone = set(missing(connection, set_ids))
    return [place for place, set_id in enumerate(set_ids) if set_id in gone]


def _no_set(place: int) -> Problem:
    where = f"/decontamination/{SETS}/{place}"
    return Problem(where, "not_found", "there is no such evaluation set")


def overlaps_of(counted: Mapping[str, int]) -> Sequence[SetOverlaps]:
    """Counters of overlaps, sorted by their sets."""
    by_set: dict[UUID, dict[str, int]] = {}
    for name, n in counted.items():
        set_id, _, rule = name.partition(":")
        by_set.setdefault(UUID(set_id), {})[rule] = n
    return [SetOverlaps(set_id, by_set[set_id]) for set_id in sorted(by_set)]
