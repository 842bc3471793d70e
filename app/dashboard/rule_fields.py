"""Filters and evaluation sets as fields of a form: shown with their help, read as REST has it."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from uuid import UUID

from app.dashboard.forms import Form, Reading
from app.dashboard.option_fields import ShownOption, read_options, shown_options, typed
from app.domain.filter import Action
from app.domain.filtering import FilterKind
from app.domain.options import OptionField
from app.domain.stored import EvaluationSet
from app.errors import NotFound
from app.runtime import Runtime
from app.use_cases import evaluation_sets, filters, row_rules
from app.use_cases.filters import KnownFilter
from app.use_cases.sifting import SETS

FILTERS, DECONTAMINATION = "filters/", "decontamination/"
OFF = "off"
HELD_AGAINST = DECONTAMINATION + SETS
MOST_SETS_OFFERED = 100
_HEADS: Mapping[FilterKind, str] = {
    FilterKind.INSTRUCTION: "On instructions, before an answer is paid for",
    FilterKind.INSTANCE: "On input and output",
    FilterKind.ROW: "On whole rows",
    FilterKind.GROUP: "On all answers to one instruction, by the method alone",
}


@dataclass(frozen=True, slots=True)
class ShownFilter:
    """One filter; `usual` is what it does without a word, `chosen` empty where that is wanted."""

    known: KnownFilter
    usual: Action | None
    chosen: str
    settings: Sequence[ShownOption]

    @property
    def name(self) -> str:
        """Of its field."""
        return FILTERS + self.known.name

    @property
    def label(self) -> str:
        """Its name as people write it."""
        return self.known.name.replace("_", " ")

    @property
    def choices(self) -> Sequence[tuple[str, str]]:
        """Values and their words, the default first and as an empty value."""
        others = [] if self.known.kind is FilterKind.GROUP else [str(each) for each in Action]
        wanted = [*others, *([OFF] if self.known.can_be_off else [])]
        default = f"{self.usual} (default)" if self.usual else "the method's own way"
        return [("", default), *((each, each) for each in wanted if each != self.usual)]

    @property
    def is_set(self) -> bool:
        """Whether it was given settings."""
        return any(_is_told(each) for each in self.settings)

    @property
    def is_told(self) -> bool:
        """Whether anything was said about it."""
        return bool(self.chosen) or self.is_set


@dataclass(frozen=True, slots=True)
class FilterGroup:
    """Filters that look at the same."""

    head: str
    filters: Sequence[ShownFilter]


@dataclass(frozen=True, slots=True)
class ShownRules:
    """All that can be said about which rows are kept."""

    groups: Sequence[FilterGroup]
    sets: Sequence[EvaluationSet]
    held_against: frozenset[str]
    overlap: Sequence[ShownOption]

    @property
    def count(self) -> int:
        """How many filters there are."""
        return len(self._all())

    @property
    def told(self) -> int:
        """About how many filters something was said."""
        return sum(each.is_told for each in self._all())

    @property
    def usual(self) -> int:
        """How many filters are on by default."""
        return sum(each.usual is not None for each in self._all())

    @property
    def is_held_against(self) -> bool:
        """Whether anything was said about evaluation sets."""
        return bool(self.held_against) or any(_is_told(each) for each in self.overlap)

    def _all(self) -> Sequence[ShownFilter]:
        return [each for group in self.groups for each in group.filters]


def shown_rules(runtime: Runtime, method: str, profile: str, form: Form) -> ShownRules:
    """Every filter and the newest evaluation sets, with what was said about them."""
    usual = row_rules.filter_defaults(method, profile)
    shown = [_shown(each, usual.get(each.name), form) for each in filters.all_filters()]
    groups = [
        FilterGroup(head, [each for each in shown if each.known.kind is kind])
        for kind, head in _HEADS.items()
    ]
    held_against = frozenset(each for each in form.texts(HELD_AGAINST) if each)
    sets = _offered(runtime, held_against)
    overlap = _settings(row_rules.overlap_fields(), form, DECONTAMINATION)
    return ShownRules(groups, sets, held_against, overlap)


def _offered(runtime: Runtime, chosen: Set[str]) -> Sequence[EvaluationSet]:
    """The newest sets, and older ones that were chosen, as by a job that is cloned."""
    newest = evaluation_sets.page(runtime, limit=MOST_SETS_OFFERED).items
    older = chosen - {str(each.id) for each in newest}
    return [*newest, *filter(None, (_known(runtime, each) for each in sorted(older)))]


def _known(runtime: Runtime, set_id: str) -> EvaluationSet | None:
    try:
        return evaluation_sets.get(runtime, UUID(set_id))
    except (ValueError, NotFound):
        return None


def read_filters(reading: Reading, method: str, profile: str) -> Mapping[str, object]:
    """What is said about filters, without what is left as the method has it."""
    usual = row_rules.filter_defaults(method, profile)
    found = {each.name: _read(reading, each, each.name in usual) for each in filters.all_filters()}
    return {name: value for name, value in found.items() if value is not None}


def read_decontamination(reading: Reading) -> Mapping[str, object] | None:
    """Evaluation sets and what counts as an overlap; None where nothing is said of either."""
    settings = _told(row_rules.overlap_fields(), reading.form, DECONTAMINATION)
    set_ids = [each for each in reading.form.texts(HELD_AGAINST) if each]
    return {SETS: set_ids, **settings} if set_ids or settings else None


def filter_texts(stored: Mapping[str, Mapping[str, object] | None]) -> Mapping[str, Sequence[str]]:
    """The fields of a form that say what is stored with a job."""
    fields: dict[str, Sequence[str]] = {}
    for each in filters.all_filters():
        if each.name not in stored:
            continue
        settings = stored[each.name]
        name = FILTERS + each.name
        fields[name] = [OFF if settings is None else str(settings["action"])]
        fields |= _texts(each.settings, settings or {}, f"{name}/")
    return fields


def decontamination_texts(stored: Mapping[str, object] | None) -> Mapping[str, Sequence[str]]:
    """The same of evaluation sets."""
    if stored is None:
        return {}
    set_ids = stored.get(SETS)
    named = [str(each) for each in set_ids] if isinstance(set_ids, list | tuple) else []
    return {HELD_AGAINST: named, **_texts(row_rules.overlap_fields(), stored, DECONTAMINATION)}


def _shown(known: KnownFilter, usual: Action | None, form: Form) -> ShownFilter:
    given = form.text(FILTERS + known.name)
    chosen = "" if given == usual else given
    settings = _settings(known.settings, form, f"{FILTERS}{known.name}/")
    return ShownFilter(known, usual, chosen, settings)


def _settings(fields: Sequence[OptionField], form: Form, prefix: str) -> Sequence[ShownOption]:
    found = shown_options(fields, {}, form, prefix)
    return [*found.own, *found.shared]


def _is_told(option: ShownOption) -> bool:
    if option.widget == "boxes":
        default = option.field.default
        return option.ticked != frozenset(default if isinstance(default, list) else ())
    return bool(option.given.strip())


def _read(reading: Reading, known: KnownFilter, is_on: bool) -> object:
    """REST's value for a filter, None where nothing is said; settings need one that is on."""
    name = FILTERS + known.name
    chosen = reading.form.text(name)
    settings = _told(known.settings, reading.form, f"{name}/")
    if chosen == OFF:
        return False
    if not chosen and not settings:
        return None
    if not chosen and not is_on:
        detail = "choose drop or flag, or clear its settings"
        reading.refuse(name, "conflicting_options", detail)
        return None
    action = {"action": chosen} if chosen else {}
    return {**action, **settings} if settings else chosen


def _told(fields: Sequence[OptionField], form: Form, prefix: str) -> Mapping[str, object]:
    """The settings that were given; boxes come in any case, so those of the default say nothing."""
    defaults = {each.name: each.default for each in fields if each.choices}
    found = read_options(fields, form, prefix)
    return {
        name: value
        for name, value in found.items()
        if name not in defaults or value != defaults[name]
    }


def _texts(
    fields: Sequence[OptionField], stored: Mapping[str, object], prefix: str
) -> Mapping[str, Sequence[str]]:
    return {
        prefix + each.name: typed(each, stored[each.name])
        for each in fields
        if each.name in stored and stored[each.name] != each.default
    }
