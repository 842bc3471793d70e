"""The values that travel: seeds, sources, candidates, instances and rows."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class SeedInstance:
    """One worked example of a seed: its input (may be empty) and its output."""

    input: str
    output: str


@dataclass(frozen=True, slots=True)
class Seed:
    """One task written by a person; `instances` is empty for instruction-only seeds."""

    instruction: str
    instances: tuple[SeedInstance, ...] = ()
    is_classification: bool | None = None
    name: str | None = None
    external_id: str | None = None


class SourceKind(StrEnum):
    """Where something that a prompt shows came from."""

    SEED = "seed"
    MACHINE = "machine"


@dataclass(frozen=True, slots=True)
class Source:
    """One thing that a prompt is made from; `id` names the stored row it came from."""

    kind: SourceKind
    id: str
    instruction: str
    instances: tuple[SeedInstance, ...] = ()
    is_classification: bool | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """An instruction parsed from a reply; `reasons` names the rules that drop it (first wins)."""

    instruction: str
    is_classification: bool | None = None
    reasons: tuple[str, ...] = ()

    @property
    def dropped(self) -> bool:
        return bool(self.reasons)


@dataclass(frozen=True, slots=True)
class Instance:
    """One (input, output) for an instruction; `reasons` names the rules that drop it."""

    input: str
    output: str
    reasons: tuple[str, ...] = ()

    @property
    def dropped(self) -> bool:
        return bool(self.reasons)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer conversation returns: its instances, and what classification found."""

    instances: tuple[Instance, ...]
    is_classification: bool | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One finished row as exports see it; `id` walks back to its call, prompt and seeds."""

    id: str
    instruction: str
    input: str
    output: str
    is_classification: bool | None = None
