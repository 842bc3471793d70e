"""A method's prompts built from real seeds before any call, stand-ins where a reply would be."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from app.domain.lifecycle import ConversationKind
from app.domain.method import Completion, Conversation, Method, Prompt
from app.domain.records import Candidate, Source, SourceKind

MOST_CALLS = 50
_STAND_INS = ("No", "Yes")

Prompts = tuple[Prompt, ...]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Conversations of both kinds; `shown` is the most sources that a prompt was drawn from.

    `variants` are all conversations tried, `proposing` and `answering` of each try the longest.
    """

    proposing: Sequence[Prompts]
    answering: Sequence[Prompts]
    variants: Sequence[Prompts]
    shown: int


@dataclass(frozen=True, slots=True)
class _RehearsalPool:
    """Seeds, and the same once more in the place of machine-made instructions."""

    seeds: Sequence[Source]

    @property
    def machine_count(self) -> int:
        return len(self.seeds)

    def machine(self, position: int) -> Source:
        seed = self.seeds[position]
        return Source(SourceKind.MACHINE, seed.id, seed.instruction)


def rehearse(method: Method, seeds: Sequence[Source], *, random_seed: int, count: int) -> Rehearsal:
    """Go through up to `count` conversations of either kind, or all that there is to propose."""
    pool = _RehearsalPool(seeds)
    proposing: list[list[Prompts]] = []
    answering: list[list[Prompts]] = []
    shown = 1
    for number in range(count):
        seed = f"{random_seed}:propose:{number}"
        sources = method.draw(pool, number, Random(seed))
        if sources is None:
            break
        shown = max(shown, len(sources))
        text = seeds[number % len(seeds)].instruction
        proposing.append(
            [_walk(method.propose(sources, Random(seed)), said) for said in (*_STAND_INS, text)]
        )
        candidate = _ready(method.propose(sources, Random(seed))) or Candidate(text)
        answering.append([_walk(method.answer(candidate), said) for said in (*_STAND_INS, text)])
    return Rehearsal(
        proposing=[_longest(tries) for tries in proposing],
        answering=[_longest(tries) for tries in answering],
        variants=[each for tries in (*proposing, *answering) for each in tries],
        shown=shown,
    )


@dataclass(frozen=True, slots=True)
class _FreshPool:
    """The pool of a job that has not begun: seeds, and nothing made by a machine."""

    seeds: Sequence[Source]
    machine_count: int = 0

    def machine(self, position: int) -> Source:
        raise IndexError(position)


def first_prompt(method: Method, seeds: Sequence[Source], *, random_seed: int) -> Prompt | None:
    """The first call that a job with all these seeds makes, as its teacher will see it.

    None where there is nothing to propose from.
    """
    seed = f"{random_seed}:{ConversationKind.PROPOSE}:0"
    sources = method.draw(_FreshPool(seeds), 0, Random(seed))
    if sources is None:
        return None
    conversation = method.propose(sources, Random(seed))
    try:
        return next(conversation)
    except StopIteration as ended:
        # What proposes without a call answers what it proposed first.
        candidates: Sequence[Candidate] = ended.value
    return next(method.answer(candidates[0]), None) if candidates else None


def _ready(proposing: Conversation[Sequence[Candidate]]) -> Candidate | None:
    """What a conversation proposes first without a call; None where it makes one."""
    try:
        next(proposing)
    except StopIteration as ended:
        candidates: Sequence[Candidate] = ended.value
        return candidates[0] if candidates else None
    return None


def _walk(conversation: Conversation[object], said: str) -> Prompts:
    """The prompts of a conversation in which every reply is the same text."""
    return tuple(_prompts(conversation, Completion(said, "stop")))


def _prompts(conversation: Conversation[object], completion: Completion) -> Iterator[Prompt]:
    try:
        prompt = next(conversation)
        for _ in range(MOST_CALLS):
            yield prompt
            prompt = conversation.send(completion)
    except StopIteration:
        return
    except Exception:  # noqa: BLE001 - what cannot read a stand-in ends there, as in a job
        return


def _longest(tries: Sequence[Prompts]) -> Prompts:
    return max(tries, key=lambda prompts: (len(prompts), sum(len(each.text) for each in prompts)))
