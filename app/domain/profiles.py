"""Named settings of a method: a profile is a set of option values that what is given overrides."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import ClassVar, TypeVar

from app.domain.filter import Action
from app.domain.materials import Material
from app.domain.method import Method, MethodOptions
from app.domain.options import parse_options
from app.domain.records import SeedKind, Source
from app.errors import Problem

DEFAULT_PROFILE = "default"
# What is plainly broken or harmful is dropped; what may be meant so is only flagged.
DEFAULT_FILTERS: Mapping[str, Action] = {
    "control_characters": Action.DROP,
    "merged_tasks": Action.DROP,
    "not_available": Action.DROP,
    "refusal": Action.DROP,
    "as_an_ai": Action.DROP,
    "prompt_leak": Action.DROP,
    "repetition_loop": Action.DROP,
    "truncated_answer": Action.FLAG,
    "email_address": Action.FLAG,
    "phone_number": Action.FLAG,
    "card_number": Action.DROP,
    "secret_key": Action.DROP,
}


@dataclass(frozen=True, kw_only=True)
class PublishedMethod(MethodOptions, Method):
    """What the registry of methods holds: options and conversation in one class.

    `PROFILES` maps a profile's name to the option values it sets; ``default`` is always there.
    What else a job must know of a method, the class declares: whether the seeds are in the pool
    that new instructions are compared with (not where they are proposed themselves), the only
    endpoint that can serve it, whether machine rows are shown with their instances, which kind of
    seed set it takes and which seeds of it, what it draws from where that is no seed set (and
    whether jobs that still run will do), and whether it calls a teacher at all. `FILTERS` are those
    that are on under a profile beside what the method itself drops; published profiles have none.
    """

    PROFILES: ClassVar[Mapping[str, Mapping[str, object]]] = {DEFAULT_PROFILE: {}}
    FILTERS: ClassVar[Mapping[str, Mapping[str, Action]]] = {DEFAULT_PROFILE: DEFAULT_FILTERS}
    SEEDS_IN_POOL: ClassVar[bool] = True
    ENDPOINT: ClassVar[str | None] = None
    SHOWS_WHOLE_ROWS: ClassVar[bool] = False
    TAKES: ClassVar[SeedKind] = SeedKind.TASKS
    SEEDS_WANTED: ClassVar[str] = "at least one seed"
    DRAWS_FROM: ClassVar[Material] = Material.SEEDS
    DRAWS_RUNNING: ClassVar[bool] = False
    CALLS: ClassVar[bool] = True

    @classmethod
    def needs(cls) -> set[str]:
        """What a job must name: its material, who writes, and a target where nothing else ends."""
        writes = {"teacher"} if cls.CALLS else set[str]()
        endless = {"target_rows"} if cls.CALLS and cls.DRAWS_FROM is Material.SEEDS else set[str]()
        return {str(cls.DRAWS_FROM)} | writes | endless

    def can_use(self, seed: Source) -> bool:
        """Whether a seed is of the kind that `SEEDS_WANTED` names."""
        return bool(seed.instruction)


AnyMethod = TypeVar("AnyMethod", bound=PublishedMethod)


def configure(
    method: type[AnyMethod],
    profile: str = DEFAULT_PROFILE,
    given: Mapping[str, object] | None = None,
    *,
    pointer: str = "/options",
) -> tuple[AnyMethod | None, tuple[Problem, ...]]:
    """Return the method under a profile, with the given options on top, or every problem found."""
    if profile not in method.PROFILES:
        return None, (_unknown(profile, sorted(method.PROFILES)),)
    return parse_options(method, {**method.PROFILES[profile], **(given or {})}, pointer=pointer)


def _unknown(profile: str, known: list[str]) -> Problem:
    near = get_close_matches(profile, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
    return Problem("/profile", "unknown_profile", f"unknown profile {profile!r}; {hint}")
