"""Alpaca (Taori et al. 2023, https://github.com/tatsu-lab/stanford_alpaca): whole tasks in a call.

One step: three worked tasks are shown, and the teacher continues the list with instruction, input
and output together.
"""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import ClassVar

from app.domain.filter import judge_instances
from app.domain.filters.empty_output import EmptyOutput
from app.domain.filters.output_equals_input import OutputEqualsInput
from app.domain.language import Language
from app.domain.method import Completion, Conversation, Decoding, Pool, Prompt
from app.domain.options import option
from app.domain.parsing.text import collapsed, without_thoughts
from app.domain.parsing.triples import (
    BROKEN_TASK,
    Triple,
    published_triples,
    tolerant_triples,
)
from app.domain.prompts.library import fill
from app.domain.reading import CUT_BY_LENGTH, Reading
from app.domain.records import Answer, Candidate, Instance, SeedInstance, Source
from app.domain.spoken import FilteredMethod, is_cut

NAME = "alpaca"


@dataclass(frozen=True, slots=True)
class _Labels:
    """How the parts of a task are headed in a language, and what says that there is no input."""

    instruction: str
    input: str
    output: str
    no_input: str


_LABELS = {
    Language.ENGLISH: _Labels("Instruction:", "Input:", "Output:", "<noinput>"),
    Language.CHINESE: _Labels("指令：", "输入：", "输出：", "<无输入>"),
}


@dataclass(frozen=True, kw_only=True)
class Alpaca(FilteredMethod):
    """Its options are the constants of the released code, but for the stops.

    There a reply ends at any line that begins with 20 and at any ``20.``, a price included; here at
    the label of the first task too many. In a stop, ``{{past}}`` is that task's number.
    """

    examples_shown: int = option(
        3, "worked tasks that each prompt shows (released code: 3)", minimum=1, maximum=50
    )
    machine_share: float = option(
        0.0,
        "share of them that is machine-made, once there are any (released code: 0)",
        minimum=0.0,
        maximum=1.0,
    )
    new_tasks: int = option(
        16, "new tasks wanted of each prompt (released code: 16)", minimum=1, maximum=100
    )
    temperature: float | None = option(1.0, "temperature (released code: 1)", minimum=0, maximum=2)
    top_p: float | None = option(1.0, "top_p (released code: 1)", minimum=0, maximum=1)
    max_tokens: int = option(
        3072, "tokens at most in a reply (released code: 3072)", minimum=1, maximum=1_000_000
    )
    stop: tuple[str, ...] | None = option(
        None, "strings that end a reply; null is the label of the task after the last"
    )
    guide_chat: bool = option(
        True, "tell a chat model beforehand, in a system message, to continue in the same form"
    )
    reading: Reading = option(
        Reading.TOLERANT,
        "published: cut replies at every ###, as the released code; tolerant: at labels",
    )

    SHOWS_WHOLE_ROWS: ClassVar[bool] = True
    SEEDS_WANTED: ClassVar[str] = "seeds with outputs, because whole worked tasks are shown"
    PROFILES: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "default": {},
        "paper": {
            "exact_duplicates": False,
            "order": "strict",
            "round_size": 5,
            "stop": ["\n{{past}}", "{{past}}."],
            "guide_chat": False,
            "reading": "published",
            "check_language": False,
        },
    }

    def can_use(self, seed: Source) -> bool:
        """Only a seed with an output can be shown."""
        return any(each.output.strip() for each in seed.instances)

    @property
    def expected_novel(self) -> float:
        """Half of what is asked for: replies break off, and tasks repeat."""
        return self.new_tasks / 2

    def draw(self, pool: Pool, number: int, rng: Random) -> Sequence[Source]:
        """Machine-made tasks by their share, seeds for the rest, shuffled."""
        wanted = int(self.examples_shown * self.machine_share + rng.random())
        places = range(pool.machine_count)
        drawn = [pool.machine(each) for each in rng.sample(places, min(wanted, len(places)))]
        drawn = [each for each in drawn if self.can_use(each)]
        seeds = [each for each in pool.seeds if self.can_use(each)]
        drawn += rng.sample(seeds, min(self.examples_shown - len(drawn), len(seeds)))
        rng.shuffle(drawn)
        return drawn

    def propose(self, sources: Sequence[Source], rng: Random) -> Conversation[Sequence[Candidate]]:
        """Ask for the continuation of the list; every candidate carries its instance."""
        completion = yield self._prompt(sources)
        read = self._read(completion, len(sources) + 1)
        found = [self._candidate(each) for each in read]
        if is_cut(completion) and found:
            last = found[-1]
            found[-1] = replace(last, reasons=(CUT_BY_LENGTH, *last.reasons))
        return found

    def answer(self, candidate: Candidate) -> Conversation[Answer]:
        """The instance that came with the candidate, judged; no call is made."""
        yield from ()
        filters = (EmptyOutput(), OutputEqualsInput())
        return Answer(judge_instances(candidate.instances, filters, ()))

    def _read(self, completion: Completion, first: int) -> Sequence[Triple]:
        if self.reading is Reading.PUBLISHED:
            return published_triples(completion.text, first)
        text = without_thoughts(completion.text)
        return tolerant_triples(text, first, _LABELS[self.language].instruction)

    def _candidate(self, triple: Triple) -> Candidate:
        broken = (BROKEN_TASK,) if triple.broken else ()
        reasons = broken + self.reasons(triple.instruction)
        instance = Instance(triple.input, triple.output)
        return Candidate(triple.instruction, None, reasons, (instance,))

    def _prompt(self, sources: Sequence[Source]) -> Prompt:
        labels = _LABELS[self.language]
        following = len(sources) + 1
        past = following + self.new_tasks
        file = self.file(NAME, "propose")
        values = {
            "examples": "\n".join(_shown(labels, *each) for each in enumerate(sources, 1)),
            "next": str(following),
            "last": str(past - 1),
            "total": str(past - 1),
        }
        stops = (f"\n{past}. {labels.instruction}",) if self.stop is None else self.stop
        decoding = Decoding(
            max_tokens=self.max_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
            stop=tuple(fill(each, {"past": str(past)}) for each in stops),
        )
        return self.ask(
            "propose", file if self.guide_chat else replace(file, system=None), values, decoding
        )


def _shown(labels: _Labels, number: int, source: Source) -> str:
    instance = next((each for each in source.instances if each.output.strip()), _NOTHING)
    instruction = collapsed(source.instruction).rstrip(":")
    return (
        f"###\n{number}. {labels.instruction} {instruction}\n"
        f"{number}. {labels.input}\n{instance.input.strip() or labels.no_input}\n"
        f"{number}. {labels.output}\n{instance.output.strip()}"
    )


_NOTHING = SeedInstance("", "")
