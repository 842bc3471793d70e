"""What a method is: a conversation that yields prompts, is sent completions, and returns values."""

import hashlib
import json
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from random import Random
from typing import Protocol, TypeVar

from app.domain.options import option
from app.domain.planning import PRIOR_NOVEL_PER_CALL
from app.domain.records import Answer, Candidate, Message, Source

Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True)
class Decoding:
    """How a teacher is asked to sample; None leaves a setting to the teacher's default."""

    max_tokens: int
    temperature: float | None = None
    top_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None

    def as_json(self) -> dict[str, object]:
        """The settings by name, as JSON values; a seed only where there is one."""
        seed: dict[str, object] = {} if self.seed is None else {"seed": self.seed}
        return seed | {
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "presence_penalty": self.presence_penalty,
            "frequency_penalty": self.frequency_penalty,
            "stop": list(self.stop),
        }


@dataclass(frozen=True, slots=True)
class Rated:
    """A row that a reward model is to score, in its parts."""

    instruction: str
    input: str
    output: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """One call to make: the step it serves, its text (a chat sends it as one user message).

    `version` names the prompt file it was rendered from, e.g. ``self_instruct/propose.en@1``.
    `history` is what was said before the text, and stands between it and the system message.
    `rated` is there where no text is wanted but a score: its output then follows the text.
    """

    step: str
    text: str
    decoding: Decoding
    version: str
    system: str | None = None
    history: tuple[Message, ...] = ()
    rated: Rated | None = None

    @property
    def digest(self) -> str:
        """Hex sha256 over everything that the teacher would see; the model is not part of it."""
        seen: dict[str, object] = {
            "text": self.text,
            "system": self.system,
            "decoding": self.decoding.as_json(),
        }
        if self.history:
            seen["history"] = [[each.role, each.content] for each in self.history]
        if self.rated is not None:
            seen["rated"] = asdict(self.rated)
        return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Completion:
    """What came back: the text and why it ended (``stop``, ``length``, ...)."""

    text: str
    finish_reason: str | None = None


Conversation = Generator[Prompt, Completion, Outcome]


class Method(Protocol):
    """One published way to build instructions; its options are the fields of a frozen dataclass."""

    def draw(self, pool: "Pool", number: int, rng: Random) -> Sequence[Source] | None:
        """Choose what conversation `number` (from 0) shows; the caller stores the draw.

        None where there is nothing left to propose from, now and for every later number.
        """
        ...

    def propose(self, sources: Sequence[Source], rng: Random) -> Conversation[Sequence[Candidate]]:
        """Ask for new instructions."""
        ...

    def answer(self, candidate: Candidate) -> Conversation[Answer]:
        """Ask for the instances of a novel instruction."""
        ...


class Pool(Protocol):
    """What a method may draw from; positions are stable, so a draw can be repeated."""

    @property
    def seeds(self) -> Sequence[Source]:
        """Every seed of the set, in file order."""
        ...

    @property
    def machine_count(self) -> int:
        """How many machine-made instructions have been accepted so far."""
        ...

    def machine(self, position: int) -> Source:
        """The accepted machine instruction at `position` (from 0, in order of acceptance)."""
        ...


class Order(StrEnum):
    """When conversations are drawn: in whole rounds (rows do not depend on arrival), or freely."""

    STRICT = "strict"
    FREE = "free"


@dataclass(frozen=True, kw_only=True)
class MethodOptions:
    """What every method can be told; a method's own options are further fields of its subclass."""

    threshold: float = option(
        0.7,
        "drop an instruction whose ROUGE-L F to any earlier one is above",
        minimum=0.3,
        maximum=1.0,
    )
    exact_duplicates: bool = option(
        True,
        "drop instructions equal to an earlier one after normalisation, before ROUGE-L",
    )
    compare_inputs: bool = option(
        False,
        "drop a row whose instruction and input together are above the threshold to an earlier "
        "accepted row of the job",
    )
    semantic_threshold: float | None = option(
        None,
        "drop an instruction whose embedding's cosine to any earlier one is above; wants an "
        "embedder",
        minimum=0.5,
        maximum=1.0,
    )
    order: Order = option(
        Order.FREE, "strict: whole rounds, rows do not depend on the order of arrival"
    )
    round_size: int = option(5, "prompts drawn together under strict order", minimum=1, maximum=500)
    held_out_share: float = option(
        0.0,
        "share of the seeds' instructions that the teacher is never shown, to measure by; no row "
        "may be like one of them either",
        minimum=0.0,
        maximum=0.9,
    )
    novelty_floor: float = option(
        0.02,
        "stop when the share of novel candidates falls below",
        minimum=0.0,
        maximum=1.0,
    )
    novelty_window: int = option(
        200, "candidates over which that share is taken", minimum=10, maximum=100_000
    )

    @property
    def expected_novel(self) -> float:
        """Novel candidates that a proposing conversation brings, until this job's are known."""
        return PRIOR_NOVEL_PER_CALL
