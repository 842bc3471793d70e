"""Evol-Instruct (Xu et al. 2023, arXiv:2304.12244): instructions made harder, round by round.

Each round rewrites the newest instruction in one of five ways in depth, or makes a new one of its
kind; a judge compares it with its parent, the teacher answers it, and four rules eliminate it. What
fails leaves its parent in place for the next round.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import ClassVar

from app.domain.copying import copies_answer
from app.domain.elimination import (
    COPIED_ANSWER,
    EQUAL,
    LEAKED_PROMPT,
    NO_CONTENT,
    REFUSAL,
    UNCHANGED,
    has_no_content,
    is_refusal,
    is_unchanged,
    leaks_prompt,
    without_mark,
)
from app.domain.method import Conversation, Decoding, Pool, Prompt
from app.domain.options import option
from app.domain.parsing.equality import says_equal
from app.domain.parsing.text import without_thoughts
from app.domain.reading import CUT_BY_LENGTH
from app.domain.records import Answer, Candidate, Instance, Source
from app.domain.spoken import SpokenMethod, is_cut, whole_reply

NAME = "evol_instruct"
EMPTY = "empty"
BREADTH = "breadth"
DEPTH = ("constraint", "deepen", "concretize", "reasoning", "complicate_input")


@dataclass(frozen=True, kw_only=True)
class EvolInstruct(SpokenMethod):
    """Its options are the constants of the released code and the paper.

    An evolved instruction shares most of its words with its parent, so that only equal ones are
    duplicates unless told otherwise.
    """

    threshold: float = option(
        1.0,
        "drop an instruction whose ROUGE-L F to any earlier one is above; 1 drops none",
        minimum=0.3,
        maximum=1.0,
    )
    rounds: int = option(4, "rounds of evolution (paper: 4)", minimum=1, maximum=20)
    operations: tuple[str, ...] = option(
        (*DEPTH, BREADTH),
        "ways to evolve: each round draws one uniformly",
        choices=(*DEPTH, BREADTH),
    )
    judge: bool = option(
        True, "ask whether the evolved instruction is equal to its parent (paper: yes)"
    )
    strip_mark: bool = option(
        True, "take the prompt's last heading off a reply that repeats it, instead of dropping it"
    )
    check_copies: bool = option(True, "drop an instruction that holds its own answer (paper: no)")
    separator: str = option("\n", "what stands between a seed's instruction and its input")
    temperature: float | None = option(1.0, "temperature (released code: 1)", minimum=0, maximum=2)
    top_p: float | None = option(0.95, "top_p (released code: 0.95)", minimum=0, maximum=1)
    max_tokens: int = option(
        2048, "tokens at most in a reply (released code: 2048)", minimum=1, maximum=1_000_000
    )
    judge_max_tokens: int = option(16, "tokens at most in a verdict", minimum=1, maximum=100_000)

    PROFILES: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "default": {},
        "paper": {"exact_duplicates": False, "strip_mark": False, "check_copies": False},
        "released_code": {
            "exact_duplicates": False,
            "rounds": 1,
            "operations": ["constraint", "deepen", "concretize", "reasoning", "breadth"],
            "judge": False,
            "strip_mark": False,
            "check_copies": False,
        },
    }

    @property
    def expected_novel(self) -> float:
        """A child of each round."""
        return float(self.rounds)

    def draw(self, pool: Pool, number: int, rng: Random) -> Sequence[Source]:
        """One seed after the other, over and over: every pass evolves it another way."""
        return [pool.seeds[number % len(pool.seeds)]]

    def propose(self, sources: Sequence[Source], rng: Random) -> Conversation[Sequence[Candidate]]:
        """Evolve a seed through every round; all children are returned, eliminated ones by name."""
        line = _Line(_text_of(sources[0], self.separator))
        for number in range(1, self.rounds + 1):
            operation = rng.choice(self.operations)
            child = yield from self._child(line.newest, operation)
            facts = {"operation": operation, "round": str(number)}
            line.add(replace(child, facts=facts))
        return line.children

    def answer(self, candidate: Candidate) -> Conversation[Answer]:
        """The answer that the round has paid for; no call is made."""
        yield from ()
        return Answer(candidate.instances)

    def _child(self, parent: str, operation: str) -> Conversation[Candidate]:
        completion = yield self._evolve_prompt(parent, operation)
        text = without_thoughts(completion.text)
        text = (without_mark(text) if self.strip_mark else text).strip()
        reasons = (CUT_BY_LENGTH,) * is_cut(completion) + _reasons(text, parent)
        reasons += self.language_reasons(text, [parent])
        if reasons:
            return Candidate(text, reasons=reasons)
        if self.judge and (yield from self._is_equal(parent, text)):
            return Candidate(text, reasons=(EQUAL,))
        decoding = Decoding(self.max_tokens, self.temperature, self.top_p)
        answered = yield self.ask("answer", self.file(NAME, "answer"), {"task": text}, decoding)
        instance = whole_reply(answered)
        return Candidate(
            text, reasons=self._eliminated(text, parent, instance), instances=(instance,)
        )

    def _eliminated(self, text: str, parent: str, instance: Instance) -> tuple[str, ...]:
        """Why the answer shows that the instruction is no good."""
        response = instance.output
        found = {
            NO_CONTENT: has_no_content(response),
            REFUSAL: is_refusal(response, (text, parent), self.language),
            COPIED_ANSWER: self.check_copies and copies_answer(text, response),
        }
        return instance.reasons + tuple(reason for reason, fires in found.items() if fires)

    def _is_equal(self, parent: str, text: str) -> Conversation[bool]:
        """Whether the judge calls them equal; a verdict that says neither eliminates nothing."""
        decoding = Decoding(self.judge_max_tokens, 0.0)
        values = {"first": parent, "second": text}
        completion = yield self.ask("judge", self.file(NAME, "judge"), values, decoding)
        return says_equal(completion.text) is True

    def _evolve_prompt(self, parent: str, operation: str) -> Prompt:
        decoding = Decoding(self.max_tokens, self.temperature, self.top_p)
        if operation == BREADTH:
            return self.ask("evolve", self.file(NAME, "invent"), {"task": parent}, decoding)
        file = self.file(NAME, "evolve")
        ways = dict(each.split(": ", 1) for each in file.examples)
        values = {"task": parent, "operation": ways[operation]}
        return self.ask("evolve", file, values, decoding)


@dataclass
class _Line:
    """One line of descent: the children so far, and the newest that was not eliminated."""

    newest: str
    children: list[Candidate] = field(default_factory=list[Candidate])
    parent: int | None = None

    def add(self, child: Candidate) -> None:
        self.children.append(replace(child, parent=self.parent))
        if not child.dropped:
            self.newest = child.instruction
            self.parent = len(self.children) - 1


def _text_of(seed: Source, separator: str) -> str:
    """A seed's instruction, with its first input as the released code joins them."""
    given = next((each.input for each in seed.instances if each.input.strip()), "")
    return f"{seed.instruction}{separator}{given}" if given else seed.instruction


def _reasons(text: str, parent: str) -> tuple[str, ...]:
    """Why the text alone is no good."""
    found = {
        EMPTY: not text,
        UNCHANGED: is_unchanged(text, parent),
        LEAKED_PROMPT: leaks_prompt(text),
    }
    return tuple(reason for reason, fires in found.items() if fires)
