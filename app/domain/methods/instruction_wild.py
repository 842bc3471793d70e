"""InstructionWild (Xue et al. 2023, https://github.com/XueFuzhao/InstructionWild): requests alone.

Two steps: continue a list of requests that people made of a chat assistant; answer each of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from app.domain.filter import judge_instances
from app.domain.filters.empty_output import EmptyOutput
from app.domain.method import Conversation, Decoding, Pool, Prompt
from app.domain.options import option
from app.domain.parsing.text import collapsed
from app.domain.reading import Casing, CutReply, Reading, read_candidates
from app.domain.records import Answer, Candidate, Source
from app.domain.sampling import draw_shown
from app.domain.spoken import FilteredMethod, whole_reply

NAME = "instruction_wild"


@dataclass(frozen=True, kw_only=True)
class InstructionWild(FilteredMethod):
    """How many requests are shown is published; its decoding settings are not, so they are ours."""

    instructions_shown: int = option(
        5, "requests that each prompt shows (published: 5)", minimum=1, maximum=100
    )
    machine_instructions: int = option(
        0, "how many of them are machine-made, once there are any", minimum=0, maximum=100
    )
    new_instructions: int = option(10, "new requests wanted of each prompt", minimum=1, maximum=100)
    guide_chat: bool = option(
        True, "tell a chat model beforehand, in a system message, to continue in the same form"
    )
    propose_temperature: float | None = option(
        1.0, "temperature of the proposing step", minimum=0, maximum=2
    )
    propose_top_p: float | None = option(None, "top_p of the proposing step", minimum=0, maximum=1)
    propose_max_tokens: int = option(
        2048, "tokens at most in a proposing reply", minimum=1, maximum=1_000_000
    )
    answer_temperature: float | None = option(
        0.7, "temperature of the answering step", minimum=0, maximum=2
    )
    answer_top_p: float | None = option(None, "top_p of the answering step", minimum=0, maximum=1)
    answer_max_tokens: int = option(
        2048, "tokens at most in an answer", minimum=1, maximum=1_000_000
    )

    @property
    def expected_novel(self) -> float:
        """Half of what is asked for: replies break off, and requests repeat."""
        return self.new_instructions / 2

    def draw(self, pool: Pool, number: int, rng: Random) -> Sequence[Source]:
        """Machine-made requests as many as wanted, seeds for the rest, shuffled."""
        return draw_shown(
            pool, rng, shown=self.instructions_shown, machine=self.machine_instructions
        )

    def propose(self, sources: Sequence[Source], rng: Random) -> Conversation[Sequence[Candidate]]:
        """Ask for the continuation of the list of requests."""
        completion = yield self._propose_prompt(sources)
        return read_candidates(
            completion,
            self.instruction_filters(),
            reading=Reading.TOLERANT,
            casing=Casing.KEEP,
            cut_reply=CutReply.DROP_LAST,
        )

    def answer(self, candidate: Candidate) -> Conversation[Answer]:
        """Send the request as it is; there is no input."""
        decoding = Decoding(self.answer_max_tokens, self.answer_temperature, self.answer_top_p)
        values = {"instruction": candidate.instruction.strip()}
        completion = yield self.ask("answer", self.file(NAME, "answer"), values, decoding)
        return Answer(judge_instances([whole_reply(completion)], (EmptyOutput(),), ()))

    def _propose_prompt(self, sources: Sequence[Source]) -> Prompt:
        shown = [collapsed(each.instruction) for each in sources]
        following = len(shown) + 1
        past = following + self.new_instructions
        file = self.file(NAME, "propose")
        values = {
            "tasks": "\n".join(f"{number}. {text}" for number, text in enumerate(shown, 1)),
            "next": str(following),
            "last": str(past - 1),
        }
        decoding = Decoding(
            self.propose_max_tokens,
            self.propose_temperature,
            self.propose_top_p,
            stop=(f"\n{past}.",),
        )
        guided = file if self.guide_chat else replace(file, system=None)
        return self.ask("propose", guided, values, decoding)
