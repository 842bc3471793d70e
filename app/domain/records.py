"""The values that travel: seeds, sources, candidates, instances and rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """Who says a message of a dialogue."""

    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a dialogue."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class SeedInstance:
    """One worked example of a seed: its input (may be empty) and its output."""

    input: str
    output: str


@dataclass(frozen=True, slots=True)
class Seed:
    """One task written by a person; `instances` is empty for instruction-only seeds.

    Of a chunk the instruction is its text, the name its document, and `facts` its place.
    """

    instruction: str
    instances: tuple[SeedInstance, ...] = ()
    is_classification: bool | None = None
    name: str | None = None
    external_id: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict[str, str])


class SeedKind(StrEnum):
    """What a set holds: tasks that people wrote, or their documents, whose chunks are its seeds."""

    TASKS = "tasks"
    DOCUMENTS = "documents"


class SourceKind(StrEnum):
    """Where something that a prompt shows came from."""

    SEED = "seed"
    MACHINE = "machine"
    LABELLED = "labelled_row"
    ROW = "row"


@dataclass(frozen=True, slots=True)
class Source:
    """One thing that a prompt is made from; `id` names the stored row it came from."""

    kind: SourceKind
    id: str
    instruction: str
    instances: tuple[SeedInstance, ...] = ()
    is_classification: bool | None = None
    name: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Instance:
    """One (input, output) for an instruction; `reasons` names the rules that drop it.

    A dialogue has all its turns in `messages`, and its first exchange in the other fields.
    """

    input: str
    output: str
    reasons: tuple[str, ...] = ()
    messages: tuple[Message, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def dropped(self) -> bool:
        return bool(self.reasons)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An instruction parsed from a reply; `reasons` names the rules that drop it (first wins).

    `instances` came along with it, judged or not yet. `parent` is the place, among the candidates
    of the same conversation, of the one it was made from; without it, the sources are its parents.
    `facts` is what else the method wants to know of it again, such as the image it is about.
    """

    instruction: str
    is_classification: bool | None = None
    reasons: tuple[str, ...] = ()
    instances: tuple[Instance, ...] = ()
    parent: int | None = None
    facts: Mapping[str, str] = field(default_factory=dict[str, str])

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
    """One finished row as exports see it; `id` walks back to its call, prompt and seeds.

    A dialogue has all its turns in `messages`, and its first exchange in the other fields.
    """

    id: str
    instruction: str
    input: str
    output: str
    is_classification: bool | None = None
    messages: tuple[Message, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict[str, str])
