"""Magpie (Xu et al. 2024, arXiv:2406.08464): an aligned model writes what its users would ask.

Two steps, both at the raw completions endpoint: the marks that open a user's turn are sent alone,
so that the model goes on with an instruction; then instruction and marks, for the answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from app.domain.chat_templates import TEMPLATES, ChatTemplate, Family
from app.domain.filter import judge_instances
from app.domain.filters.empty_output import EmptyOutput
from app.domain.method import Completion, Conversation, Decoding, Pool, Prompt
from app.domain.options import option
from app.domain.prompts.library import fill
from app.domain.reading import CUT_BY_LENGTH
from app.domain.records import Answer, Candidate, Source
from app.domain.spoken import FilteredMethod, is_cut, whole_reply

NAME = "magpie"
_MOST_STOPS = 4


@dataclass(frozen=True, kw_only=True)
class Magpie(FilteredMethod):
    """Seeds are not shown: new instructions are compared with them, and they give the language."""

    family: Family = option(Family.CHATML, "how the teacher's model parts the turns of a chat")
    user_opens: str | None = option(
        None, "what opens a user's turn, the pre-query template; null is the family's"
    )
    assistant_opens: str | None = option(
        None, "what ends a user's turn and opens the assistant's; null is the family's"
    )
    stop: tuple[str, ...] | None = option(
        None, "strings that end a turn, four at most; null is the family's"
    )
    system_message: str | None = option(
        None,
        "system message before the user's turn, where the family has one; null is our own, empty "
        "is none",
    )
    maximum_length: int | None = option(
        1000,
        "words that an instruction has at most, characters in Chinese; null is 150, 149 in Chinese",
        minimum=1,
        maximum=100_000,
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
        1.0, "temperature of the instructions", minimum=0, maximum=2
    )
    propose_top_p: float | None = option(1.0, "top_p of the instructions", minimum=0, maximum=1)
    propose_max_tokens: int = option(
        1024, "tokens at most in an instruction", minimum=1, maximum=1_000_000
    )
    answer_temperature: float | None = option(
        0.0, "temperature of the answers", minimum=0, maximum=2
    )
    answer_top_p: float | None = option(None, "top_p of the answers", minimum=0, maximum=1)
    answer_max_tokens: int = option(
        2048, "tokens at most in an answer", minimum=1, maximum=1_000_000
    )
    send_seed: bool = option(
        True,
        "give every instruction's request a seed of its own, so that a server that heeds it can "
        "repeat a run",
    )

    ENDPOINT: ClassVar[str | None] = "completions"

    @property
    def expected_novel(self) -> float:
        """What the teacher wrote."""
        return 1.0

    def draw(self, pool: Pool, number: int, rng: Random) -> Sequence[Source]:
        """Nothing is shown."""
        return ()

    def propose(self, sources: Sequence[Source], rng: Random) -> Conversation[Sequence[Candidate]]:
        """Send what opens a user's turn; what comes back is one instruction."""
        decoding = Decoding(
            self.propose_max_tokens,
            self.propose_temperature,
            self.propose_top_p,
            stop=self._stops(),
            seed=rng.randrange(1 << 31) if self.send_seed else None,
        )
        completion = yield self._prompt("prequery", {}, decoding)
        return [self._candidate(completion)]

    def answer(self, candidate: Candidate) -> Conversation[Answer]:
        """Send the instruction between its marks."""
        decoding = Decoding(
            self.answer_max_tokens, self.answer_temperature, self.answer_top_p, stop=self._stops()
        )
        values = {"instruction": candidate.instruction}
        completion = yield self._prompt("answer", values, decoding)
        return Answer(judge_instances([whole_reply(completion)], (EmptyOutput(),), ()))

    def _candidate(self, completion: Completion) -> Candidate:
        """A reply up to the first mark that a server may have let through."""
        text = completion.text
        for mark in TEMPLATES[self.family].stops:
            text = text.partition(mark)[0]
        text = text.strip()
        cut = (CUT_BY_LENGTH,) if is_cut(completion) else ()
        return Candidate(text, None, cut + self.reasons(text))

    def _prompt(self, step: str, values: Mapping[str, str], decoding: Decoding) -> Prompt:
        template = TEMPLATES[self.family]
        marks = {
            "system_turn": self._system_turn(template),
            "user_opens": _given(self.user_opens, template.user_opens),
            "assistant_opens": _given(self.assistant_opens, template.assistant_opens),
        }
        return self.ask(step, self.file(NAME, step), {**marks, **values}, decoding)

    def _system_turn(self, template: ChatTemplate) -> str:
        text = _given(self.system_message, self.file(NAME, "system").frame)
        return fill(template.system, {"system": text}) if text else ""

    def _stops(self) -> tuple[str, ...]:
        return (TEMPLATES[self.family].stops if self.stop is None else self.stop)[:_MOST_STOPS]


def _given(value: str | None, default: str) -> str:
    return default if value is None else value
