"""Answers to instructions that people wrote: the plain distillation that most data sets begin with.

One step: each seed, with its input where it has one, is sent as it is. Of several answers a judging
step can keep the best.
"""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import ClassVar

from app.domain.filter import judge_instances
from app.domain.filters.duplicate_instance import DuplicateInstance
from app.domain.filters.empty_output import EmptyOutput
from app.domain.language import Language
from app.domain.method import Conversation, Decoding, Pool
from app.domain.options import option
from app.domain.parsing.choice import chosen_number
from app.domain.records import Answer, Candidate, Instance, Source
from app.domain.spoken import SpokenMethod, whole_reply

NAME = "answer"
NOT_BEST = "not_best"
NOT_JUDGED = "not_judged"


class Keep(StrEnum):
    """Which of several answers to an instruction become rows."""

    ALL = "all"
    BEST = "best"


_HEADINGS = {Language.ENGLISH: "Answer {}:", Language.CHINESE: "回答 {}："}


@dataclass(frozen=True, kw_only=True)
class AnswerSeeds(SpokenMethod):
    """Seeds are proposed as they are, so only equal ones are duplicates unless told otherwise."""

    threshold: float = option(
        1.0,
        "drop an instruction whose ROUGE-L F to any earlier one is above; 1 drops none",
        minimum=0.3,
        maximum=1.0,
    )
    samples: int = option(1, "answers asked for to each instruction", minimum=1, maximum=64)
    keep: Keep = option(
        Keep.ALL, "best: one more call compares several answers, and only the best becomes a row"
    )
    system_prompt: str = option("", "system message of every answering call")
    separator: str = option("\n\n", "what stands between an instruction and its input")
    temperature: float | None = option(0.7, "temperature of the answers", minimum=0, maximum=2)
    top_p: float | None = option(None, "top_p of the answers", minimum=0, maximum=1)
    max_tokens: int = option(2048, "tokens at most in an answer", minimum=1, maximum=1_000_000)
    send_seed: bool = option(
        False, "number the samples in the request's seed, for services that can repeat a draw"
    )
    judge_max_tokens: int = option(64, "tokens at most in a verdict", minimum=1, maximum=1_000_000)

    SEEDS_IN_POOL: ClassVar[bool] = False

    @property
    def expected_novel(self) -> float:
        """The seed."""
        return 1.0

    def draw(self, pool: Pool, number: int, rng: Random) -> Sequence[Source] | None:
        """The seeds one after the other, each once."""
        return [pool.seeds[number]] if number < len(pool.seeds) else None

    def propose(self, sources: Sequence[Source], rng: Random) -> Conversation[Sequence[Candidate]]:
        """The seed itself; no call is made."""
        yield from ()
        return [self._candidate(each) for each in sources]

    def answer(self, candidate: Candidate) -> Conversation[Answer]:
        """Ask for every answer wanted to every input, then for a verdict if only the best stays."""
        answers: list[Instance] = []
        for given in dict.fromkeys([each.input for each in candidate.instances] or [""]):
            found = yield from self._answers(candidate.instruction, given)
            if self.keep is Keep.BEST:
                found = yield from self._best(candidate.instruction, given, found)
            answers += found
        return Answer(tuple(answers), candidate.is_classification)

    def _candidate(self, seed: Source) -> Candidate:
        inputs = tuple(Instance(each.input, "") for each in seed.instances) or (Instance("", ""),)
        return Candidate(seed.instruction, seed.is_classification, instances=inputs)

    def _task(self, instruction: str, given: str) -> str:
        return f"{instruction}{self.separator}{given}" if given.strip() else instruction

    def _answers(self, instruction: str, given: str) -> Conversation[Sequence[Instance]]:
        file = self.file(NAME, "answer")
        values = {"task": self._task(instruction, given)}
        found: list[Instance] = []
        for sample in range(self.samples):
            seed = sample if self.send_seed else None
            decoding = Decoding(self.max_tokens, self.temperature, self.top_p, seed=seed)
            asked = self.ask("answer", file, values, decoding)
            completion = yield replace(asked, system=self.system_prompt or None)
            found.append(whole_reply(completion, given))
        return judge_instances(found, (EmptyOutput(),), (DuplicateInstance(),))

    def _best(
        self, instruction: str, given: str, found: Sequence[Instance]
    ) -> Conversation[Sequence[Instance]]:
        """Drop all but the best; without a clear verdict the first stays and says nothing of it."""
        standing = [place for place, each in enumerate(found) if not each.dropped]
        if len(standing) < 2:
            return found
        heading = _HEADINGS[self.language]
        texts = [f"{heading.format(n)}\n{found[at].output}" for n, at in enumerate(standing, 1)]
        values = {
            "task": self._task(instruction, given),
            "answers": "\n\n".join(texts),
            "count": str(len(texts)),
        }
        decoding = Decoding(self.judge_max_tokens, 0.0)
        completion = yield self.ask("judge", self.file(NAME, "judge"), values, decoding)
        number = chosen_number(completion.text, len(standing))
        best = standing[(number or 1) - 1]
        reason = NOT_JUDGED if number is None else NOT_BEST
        return [
            each if each.dropped or place == best else replace(each, reasons=(reason,))
            for place, each in enumerate(found)
        ]
