"""Image data from text (LLaVA, Liu et al. 2023, arXiv:2304.08485): a teacher that cannot see.

A seed tells of an image by captions and boxes. From it the teacher makes a conversation, a detailed
description, or a question that takes reasoning; the row keeps the reference to the image.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import ClassVar

from app.domain.filter import judge_instances
from app.domain.filters.empty_output import EmptyOutput
from app.domain.method import Completion, Conversation, Decoding, Pool
from app.domain.options import option
from app.domain.parsing.questions import question_pairs
from app.domain.records import Answer, Candidate, Instance, Message, Role, Source
from app.domain.spoken import SpokenMethod, is_cut, whole_reply

NAME = "multimodal_text"
NO_QUESTION = "no_question"
SPEAKS_OF_TEXT = "speaks_of_captions"
CONVERSATION, DESCRIPTION, REASONING = KINDS = ("conversation", "description", "reasoning")
# What betrays that the teacher read of the image and did not see it.
_OF_TEXT = re.compile(
    r"\b(captions?|bounding box(es)?|coordinates?)\b|\[\s*0?\.\d+\s*,"
    r"|说明文字|物体列表|边界框|坐标",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class MultimodalText(SpokenMethod):
    """The same question may be asked of every image, so no rule on novelty applies by default.

    LLaVA made 58,000 conversations, 23,000 descriptions and 77,000 questions of reasoning; here
    every image is used once for each kind. Its decoding settings are not published: those are ours.
    """

    threshold: float = option(
        1.0,
        "drop a question whose ROUGE-L F to any earlier one is above; 1 drops none",
        minimum=0.3,
        maximum=1.0,
    )
    exact_duplicates: bool = option(
        False, "drop questions equal to an earlier one, be it about another image"
    )
    kinds: tuple[str, ...] = option(KINDS, "what is made of every image", choices=KINDS)
    questions: int = option(4, "questions of a conversation", minimum=1, maximum=20)
    temperature: float | None = option(0.7, "temperature", minimum=0, maximum=2)
    top_p: float | None = option(None, "top_p", minimum=0, maximum=1)
    max_tokens: int = option(2048, "tokens at most in a reply", minimum=1, maximum=1_000_000)

    SEEDS_IN_POOL: ClassVar[bool] = False
    SEEDS_WANTED: ClassVar[str] = "seeds that name an image and tell what is in it"

    def can_use(self, seed: Source) -> bool:
        """Only a seed with a reference to an image."""
        return bool(seed.name)

    @property
    def expected_novel(self) -> float:
        """One of each kind, at least."""
        return float(len(self.kinds))

    def draw(self, pool: Pool, number: int, rng: Random) -> Sequence[Source] | None:
        """The images one after the other, each once."""
        images = [each for each in pool.seeds if self.can_use(each)]
        return [images[number]] if number < len(images) else None

    def propose(self, sources: Sequence[Source], rng: Random) -> Conversation[Sequence[Candidate]]:
        """Ask for every kind of data; each candidate carries its answer and its image."""
        found: list[Candidate] = []
        for kind in self.kinds:
            makes = self._description if kind == DESCRIPTION else self._questions
            candidate = yield from makes(sources[0], kind, rng)
            facts = {"image": sources[0].name or "", "kind": kind}
            found.append(replace(candidate, facts=facts))
        return found

    def answer(self, candidate: Candidate) -> Conversation[Answer]:
        """What came with the question; no call is made."""
        yield from ()
        return Answer(judge_instances(candidate.instances, (EmptyOutput(),), ()))

    def _description(self, image: Source, kind: str, rng: Random) -> Conversation[Candidate]:
        """Ask for a description alone; the request for it is one of our own."""
        file = self.file(NAME, kind)
        request = rng.choice(file.examples)
        completion = yield self.ask("answer", file, {"task": image.instruction}, self._decoding())
        instance = whole_reply(completion)
        speaks = (SPEAKS_OF_TEXT,) if _OF_TEXT.search(instance.output) else ()
        return Candidate(request, reasons=instance.reasons + speaks, instances=(instance,))

    def _questions(self, image: Source, kind: str, rng: Random) -> Conversation[Candidate]:
        """Ask for questions with their answers, one of them for reasoning."""
        values = {"task": image.instruction, "count": str(self.questions)}
        asked = self.ask("questions", self.file(NAME, kind), values, self._decoding())
        pairs = _sound(question_pairs_of((yield asked)))
        if not pairs:
            return Candidate("", reasons=(NO_QUESTION,))
        pairs = pairs[:1] if kind == REASONING else pairs
        question, answer = pairs[0]
        speaks = any(_OF_TEXT.search(text) for pair in pairs for text in pair)
        messages = _messages(pairs) if kind == CONVERSATION else ()
        return Candidate(
            question,
            reasons=(SPEAKS_OF_TEXT,) if speaks else (),
            instances=(Instance("", answer, messages=messages),),
        )

    def _decoding(self) -> Decoding:
        return Decoding(self.max_tokens, self.temperature, self.top_p)


def question_pairs_of(completion: Completion) -> Sequence[tuple[str, str]]:
    """The pairs of a reply; of one that was cut, all but the last."""
    pairs = question_pairs(completion.text)
    return pairs[:-1] if is_cut(completion) else pairs


def _sound(pairs: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    return [(question, answer) for question, answer in pairs if question and answer]


def _messages(pairs: Sequence[tuple[str, str]]) -> tuple[Message, ...]:
    return tuple(
        Message(role, text)
        for pair in pairs
        for role, text in zip((Role.USER, Role.ASSISTANT), pair, strict=True)
    )
