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
class Origin:
    """How an instruction came about: the call that proposed it, and how near the pool was to it.

    `number` counts the calls of the job from 0, `received_at` is ISO 8601. The similarities are
    ROUGE-L F-measures in [0, 1] to everything in the pool before it: the ten best by text, and the
    mean over all.
    """

    number: int
    prompt: str
    reply: str
    finish_reason: str | None
    received_at: str
    most_similar: Mapping[str, float]
    avg_similarity_score: float


@dataclass(frozen=True, slots=True)
class Row:
    """One finished row as exports see it; `id` walks back to its call, prompt and seeds.

    A dialogue has all its turns in `messages`, and its first exchange in the other fields. `split`
    is the part of the dataset it belongs to. Formats that write one line per instruction find its
    further instances in `others`, those that tell of its making find that in `origin`, those that
    tell what a judge said the mean in `score` (None where none did).
    """

    id: str
    instruction: str
    input: str
    output: str
    is_classification: bool | None = None
    messages: tuple[Message, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict[str, str])
    split: str = "train"
    others: tuple[SeedInstance, ...] = ()
    origin: Origin | None = None
    score: float | None = None

    @property
    def instances(self) -> tuple[SeedInstance, ...]:
        """All instances of the instruction that this row stands for, its own first."""
        return (SeedInstance(self.input, self.output), *self.others)
