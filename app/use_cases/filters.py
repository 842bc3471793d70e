"""Filters as people choose them: names, sources, settings, and where they are on by default."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.domain.filter import Action
from app.domain.filtering import FilterKind, can_be_off, described
from app.domain.methods import METHODS
from app.domain.options import OptionField
from app.domain.profiles import DEFAULT_PROFILE


@dataclass(frozen=True, slots=True)
class KnownFilter:
    """One filter; `on_by_default` says, by method, what it does in the default profile."""

    name: str
    kind: FilterKind
    summary: str
    source: str
    reasons: tuple[str, ...]
    settings: Sequence[OptionField]
    on_by_default: Mapping[str, Action]

    @property
    def can_be_off(self) -> bool:
        """Whether a job can do without it."""
        return can_be_off(self.name)


def all_filters() -> Sequence[KnownFilter]:
    """Every filter, in the order in which they are asked."""
    return [
        KnownFilter(
            name=each.name,
            kind=each.kind,
            summary=each.summary,
            source=each.source,
            reasons=each.reasons,
            settings=each.settings,
            on_by_default=_defaults(each.name),
        )
        for each in described()
    ]


def _defaults(name: str) -> Mapping[str, Action]:
    on = {method: known.FILTERS.get(DEFAULT_PROFILE, {}) for method, known in METHODS.items()}
    return {method: filters[name] for method, filters in on.items() if name in filters}
