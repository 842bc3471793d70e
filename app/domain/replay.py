"""Runs recorded replies through a method again: what would it accept, and why does it drop."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

import numpy as np
from numpy.typing import NDArray

from app.domain.method import Completion, Conversation, Outcome
from app.domain.normal import normal_text
from app.domain.novelty import NoveltyIndex
from app.domain.profiles import PublishedMethod
from app.domain.records import Candidate
from app.domain.row_language import judged_language
from app.domain.tokens import Tokens

NO_REPLY = "no_reply"
EXACT_DUPLICATE = "exact_duplicate"
NEAR_DUPLICATE = "rouge_l"
NO_CLASSIFICATION = "no_classification"
CLASSIFY_STEP = "classify"
_SEEDS_LOOKED_AT = 50
_NEAREST_KEPT = 10  # what Self-Instruct's released code writes with every instruction


@dataclass(frozen=True, slots=True)
class InstructionReply:
    """One recorded reply of the proposing step; None where the call failed."""

    reply: str | None
    finish_reason: str | None = None
    prompt: str | None = None


@dataclass(frozen=True, slots=True)
class ClassificationReply:
    """One recorded reply of the classifying step."""

    instruction: str
    reply: str | None


@dataclass(frozen=True, slots=True)
class InstanceReply:
    """One recorded reply of the answering step."""

    instruction: str
    reply: str | None
    finish_reason: str | None = None


@dataclass(frozen=True, slots=True)
class AcceptedInstruction:
    """An instruction that passed, and how near the pool was to it at that moment, in [0, 1].

    The average is over every seed and every instruction accepted before; `most_similar` maps the
    nearest texts to their scores, best first.
    """

    instruction: str
    avg_similarity_score: float
    most_similar: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class InstructionReplay:
    """What became of the replies; candidates = accepted + all that `dropped` counts by reason."""

    accepted: tuple[AcceptedInstruction, ...]
    dropped: Mapping[str, int]
    replies: int
    zero_yield_replies: int


@dataclass(frozen=True, slots=True)
class Triple:
    """One finished example."""

    instruction: str
    input: str
    output: str


@dataclass(frozen=True, slots=True)
class AnswerReplay:
    """The triples in the order of the replies, and what was dropped by reason.

    `unclear` counts instructions whose classification reply said neither yes nor no.
    """

    triples: tuple[Triple, ...]
    dropped: Mapping[str, int]
    replies: int
    unclear: int


def replay_instructions(
    method: PublishedMethod,
    seeds: Iterable[str],
    replies: Iterable[InstructionReply],
    *,
    tokens: Tokens = Tokens.ROUGE,
    most_similar: int = 3,
) -> InstructionReplay:
    """Parse, filter and admit the replies in file order under the method's options."""
    pool = _Pool(method, tokens, most_similar)
    shown: list[str] = []
    for seed in seeds:
        pool.add(seed)
        shown.append(seed)
    accepted: list[AcceptedInstruction] = []
    dropped: Counter[str] = Counter()
    count = zero_yield = 0
    for recorded in replies:
        before = len(accepted)
        for candidate in _candidates(method, recorded, shown):
            reason = candidate.reasons[0] if candidate.dropped else pool.reason(candidate)
            if reason is None:
                accepted.append(pool.admit(candidate.instruction))
            else:
                dropped[reason] += 1
        count += 1
        zero_yield += len(accepted) == before
    return InstructionReplay(tuple(accepted), dropped, count, zero_yield)


def replay_answers(
    method: PublishedMethod,
    classifications: Iterable[ClassificationReply],
    replies: Iterable[InstanceReply],
) -> AnswerReplay:
    """Read the replies of the later steps, joined by instruction; the last classification counts.

    A reply whose instruction was never classified is dropped as ``no_classification``.
    """
    verdicts = {each.instruction: each.reply for each in classifications}
    triples: list[Triple] = []
    dropped: Counter[str] = Counter()
    count = unclear = 0
    for recorded in replies:
        count += 1
        if recorded.instruction not in verdicts:
            dropped[NO_CLASSIFICATION] += 1
            continue
        instruction = recorded.instruction
        answer = _play(
            method.answer(Candidate(instruction)),
            Completion(recorded.reply or "", recorded.finish_reason),
            {CLASSIFY_STEP: Completion(verdicts[instruction] or "", "stop")},
        )
        answer = judged_language(method, answer, [instruction])
        unclear += answer.is_classification is None
        for each in answer.instances:
            if each.dropped:
                dropped[each.reasons[0]] += 1
            else:
                triples.append(Triple(instruction.strip(), each.input, each.output))
    return AnswerReplay(tuple(triples), dropped, count, unclear)


def _candidates(
    method: PublishedMethod, recorded: InstructionReply, seeds: Sequence[str]
) -> Sequence[Candidate]:
    """What a reply holds, its language judged where there are seeds to tell which is wanted."""
    if recorded.reply is None:
        return (Candidate("", None, (NO_REPLY,)),)
    completion = Completion(recorded.reply, recorded.finish_reason)
    found = _play(method.propose((), Random(0)), completion, {})
    return judged_language(method, found, seeds[:_SEEDS_LOOKED_AT]) if seeds else found


def _play(
    conversation: Conversation[Outcome],
    completion: Completion,
    by_step: Mapping[str, Completion],
) -> Outcome:
    """Run a conversation to its end on recorded completions, one of them for all other steps."""
    prompt = next(conversation)
    while True:
        try:
            prompt = conversation.send(by_step.get(prompt.step, completion))
        except StopIteration as stop:
            return stop.value


@dataclass(slots=True)
class _Pool:
    """The seeds and what was accepted so far."""

    method: PublishedMethod
    tokens: Tokens
    most_similar: int
    texts: list[str] = field(default_factory=list[str])
    seen: set[str] = field(default_factory=set[str])
    index: NoveltyIndex = field(init=False)

    def __post_init__(self) -> None:
        self.index = NoveltyIndex(tokens=self.tokens, threshold=self.method.threshold)

    def add(self, text: str) -> None:
        self.index.add(text)
        self.texts.append(text)
        self.seen.add(normal_text(text))

    def reason(self, candidate: Candidate) -> str | None:
        if self.method.exact_duplicates and normal_text(candidate.instruction) in self.seen:
            return EXACT_DUPLICATE
        return NEAR_DUPLICATE if self.index.duplicate_of(candidate.instruction) else None

    def admit(self, text: str) -> AcceptedInstruction:
        scores: NDArray[np.float64] = self.index.scores(text)
        average = float(np.mean(scores)) if scores.size else 0.0
        kept = max(_NEAREST_KEPT, self.most_similar)
        nearest: list[int] = np.argsort(-scores, kind="stable")[:kept].tolist()
        named = {self.texts[position]: float(scores[position]) for position in nearest}
        self.add(text)
        first = dict(list(named.items())[: self.most_similar])
        return AcceptedInstruction(text, average, first)
