"""Instructions from the user's own documents: asked of a chunk, answered from it alone, and cited.

As InstructLab (Sudalairaj et al. 2024, arXiv:2403.01081) and others make knowledge data. From each
chunk the teacher makes instructions which it answers; each is answered from the chunk and nothing
else, and the row names document, chunk and place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import gcd
from random import Random
from typing import ClassVar

from app.domain.filter import judge_instances
from app.domain.filters.empty_output import EmptyOutput
from app.domain.method import Completion, Conversation, Decoding, Pool, Prompt
from app.domain.options import option
from app.domain.parsing.grounding import bears_out, says_nothing, speaks_of_passage, unlabelled
from app.domain.reading import Casing, CutReply, Reading, read_candidates
from app.domain.records import Answer, Candidate, Instance, SeedKind, Source
from app.domain.spoken import FilteredMethod, whole_reply

NAME = "grounded"
NOTHING_TO_ASK = "nothing_to_ask"
NOT_ANSWERED = "not_answered_by_chunk"
NOT_SUPPORTED = "not_supported_by_chunk"
SPEAKS_OF_PASSAGE = "speaks_of_passage"
_CITED = ("document", "chunk", "place")
_GOLDEN = 0.6180339887
_HIDDEN = "</passage>"


@dataclass(frozen=True, kw_only=True)
class Grounded(FilteredMethod):
    """Chunks are taken in an order spread over all documents, so that a short job sees them all."""

    instructions_per_chunk: int = option(
        5, "instructions asked for in each prompt", minimum=1, maximum=50
    )
    passes: int = option(
        1,
        "how many times each chunk is asked about, each time from an angle drawn anew",
        minimum=1,
        maximum=6,
    )
    with_chunk: bool = option(
        False, "put the chunk into the row's input, for models that answer with a text at hand"
    )
    check_support: bool = option(
        False, "one more call asks whether the chunk bears out the answer; else the row is dropped"
    )
    blacklist: tuple[str, ...] | None = option(
        (),
        "drop an instruction that holds one of these: as a whole word, in Chinese anywhere; "
        "null is the language's own list",
    )
    forbidden_starts: tuple[str, ...] | None = option(
        (), "drop an instruction that starts with one of these, case ignored"
    )
    propose_temperature: float | None = option(
        0.7, "temperature of the instructions", minimum=0, maximum=2
    )
    propose_top_p: float | None = option(None, "top_p of the instructions", minimum=0, maximum=1)
    propose_max_tokens: int = option(
        1024, "tokens at most in a list of instructions", minimum=1, maximum=1_000_000
    )
    answer_temperature: float | None = option(
        0.0, "temperature of the answers", minimum=0, maximum=2
    )
    answer_top_p: float | None = option(None, "top_p of the answers", minimum=0, maximum=1)
    answer_max_tokens: int = option(
        1024, "tokens at most in an answer", minimum=1, maximum=1_000_000
    )
    check_max_tokens: int = option(16, "tokens at most in a verdict", minimum=1, maximum=1_000_000)

    SEEDS_IN_POOL: ClassVar[bool] = False
    TAKES: ClassVar[SeedKind] = SeedKind.DOCUMENTS
    SEEDS_WANTED: ClassVar[str] = "a set of documents with at least one chunk"

    def can_use(self, seed: Source) -> bool:
        """Only a chunk, which knows its place."""
        return "chunk" in seed.facts

    @property
    def expected_novel(self) -> float:
        """Three in four of what is asked for: the others repeat, or speak of the passage."""
        return 0.75 * self.instructions_per_chunk

    def draw(self, pool: Pool, number: int, rng: Random) -> Sequence[Source] | None:
        """Every chunk once in each pass."""
        count = len(pool.seeds)
        if number >= count * self.passes:
            return None
        return [pool.seeds[spread(number % count, count)]]

    def propose(self, sources: Sequence[Source], rng: Random) -> Conversation[Sequence[Candidate]]:
        """Ask what the chunk answers; each candidate carries the chunk and its citation."""
        chunk = sources[0]
        completion = yield self._propose_prompt(chunk, rng)
        if says_nothing(completion.text):
            return [Candidate("", reasons=(NOTHING_TO_ASK,))]
        return [self._carrying(chunk, each) for each in self._candidates(completion)]

    def answer(self, candidate: Candidate) -> Conversation[Answer]:
        """Ask for the answer, then for a verdict on it if wanted."""
        passage = candidate.instances[0].input if candidate.instances else ""
        values = {**_place(candidate.facts), "passage": _inert(passage)}
        values["instruction"] = candidate.instruction
        decoding = Decoding(self.answer_max_tokens, self.answer_temperature, self.answer_top_p)
        completion = yield self.ask("answer", self.file(NAME, "answer"), values, decoding)
        found = self._judged(completion, passage)
        if self.check_support and not found.dropped:
            values["answer"] = found.output
            decoding = Decoding(self.check_max_tokens, 0.0)
            verdict = yield self.ask("check", self.file(NAME, "check"), values, decoding)
            if not bears_out(verdict.text):
                found = replace(found, reasons=(NOT_SUPPORTED,))
        return Answer((found,))

    def _propose_prompt(self, chunk: Source, rng: Random) -> Prompt:
        file = self.file(NAME, "propose")
        values = {
            **_place(chunk.facts),
            "passage": _inert(chunk.instruction),
            "count": str(self.instructions_per_chunk),
            "angle": rng.choice(file.examples),
        }
        decoding = Decoding(self.propose_max_tokens, self.propose_temperature, self.propose_top_p)
        return self.ask("propose", file, values, decoding)

    def _candidates(self, completion: Completion) -> Sequence[Candidate]:
        return read_candidates(
            completion,
            self.instruction_filters(),
            reading=Reading.TOLERANT,
            casing=Casing.KEEP,
            cut_reply=CutReply.DROP_LAST,
        )

    def _carrying(self, chunk: Source, candidate: Candidate) -> Candidate:
        speaks = not self.with_chunk and speaks_of_passage(candidate.instruction)
        reasons = candidate.reasons + ((SPEAKS_OF_PASSAGE,) if speaks else ())
        facts = {name: chunk.facts[name] for name in (*_CITED, "heading") if name in chunk.facts}
        carried = (Instance(chunk.instruction, ""),)
        return replace(candidate, reasons=reasons, instances=carried, facts=facts)

    def _judged(self, completion: Completion, passage: str) -> Instance:
        found = whole_reply(completion, passage if self.with_chunk else "")
        found = replace(found, output=unlabelled(found.output))
        if says_nothing(completion.text):
            return replace(found, reasons=(NOT_ANSWERED,))
        if not self.with_chunk and speaks_of_passage(found.output):
            found = replace(found, reasons=(*found.reasons, SPEAKS_OF_PASSAGE))
        return judge_instances([found], (EmptyOutput(),), ())[0]


def spread(number: int, count: int) -> int:
    """The place of `number` (below `count`) in an order that goes over all places in long steps."""
    step = max(1, round(count * _GOLDEN))
    while gcd(step, count) != 1:
        step += 1
    return number * step % count


def _place(facts: Mapping[str, str]) -> dict[str, str]:
    return {"document": facts.get("document", "-"), "heading": facts.get("heading", "-")}


def _inert(passage: str) -> str:
    """A passage that cannot end its own marks."""
    return passage.replace(_HIDDEN, "< /passage>")
