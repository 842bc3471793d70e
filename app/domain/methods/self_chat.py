"""Self-chat (Baize, Xu et al. 2023, arXiv:2304.01196): dialogues that a teacher has with itself.

Each seed, a question or a topic, becomes a dialogue: written as one transcript in one call, or turn
by turn, with one call that plays the person and one that answers as the assistant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import ClassVar

from app.domain.method import Completion, Conversation, Decoding, Pool, Prompt
from app.domain.normal import normal_text
from app.domain.options import option
from app.domain.parsing.dialogue import (
    END,
    as_transcript,
    one_turn,
    published_turns,
    tolerant_turns,
)
from app.domain.parsing.text import without_thoughts
from app.domain.reading import Reading
from app.domain.records import Answer, Candidate, Instance, Message, Role, Source
from app.domain.spoken import SpokenMethod, is_cut

NAME = "self_chat"
NO_DIALOGUE = "no_dialogue"
TOO_FEW_ROUNDS = "too_few_rounds"
_BYTES_PER_TOKEN = 4


class Form(StrEnum):
    """How a dialogue is written."""

    TRANSCRIPT = "transcript"
    TURNS = "turns"


class Opening(StrEnum):
    """What a seed is: the person's first message, or what the dialogue is about."""

    QUESTION = "question"
    TOPIC = "topic"


class LastExchange(StrEnum):
    """What becomes of the last exchange of a dialogue."""

    KEEP = "keep"
    DROP = "drop"


@dataclass(frozen=True, kw_only=True)
class SelfChat(SpokenMethod):
    """Baize gives no decoding settings, so those are ours.

    Seeds are taken as they are, so only equal ones are duplicates unless told otherwise.
    """

    threshold: float = option(
        1.0,
        "drop a seed whose ROUGE-L F to any earlier one is above; 1 drops none",
        minimum=0.3,
        maximum=1.0,
    )
    form: Form = option(
        Form.TRANSCRIPT, "transcript: a dialogue in one call; turns: two calls an exchange"
    )
    opening: Opening = option(
        Opening.QUESTION, "question: a seed is the first message; topic: what to talk about"
    )
    max_rounds: int = option(5, "exchanges of a dialogue at most", minimum=1, maximum=50)
    min_rounds: int = option(1, "drop a dialogue of fewer exchanges", minimum=1, maximum=50)
    token_budget: int = option(
        4096,
        "no further exchange is begun once a dialogue has so many tokens, four bytes each",
        minimum=16,
        maximum=1_000_000,
    )
    last_exchange: LastExchange = option(LastExchange.KEEP, "drop: leave it out, as published")
    stop_phrases: tuple[str, ...] = option(
        (
            "no more questions",
            "no further questions",
            "goodbye",
            "没有问题了",
            "没有其他问题",
            "再见",
        ),
        "a person's message that holds one of these ends the dialogue and is left out",
    )
    user_persona: str = option("", "who the person is, e.g. a nurse on night shift")
    assistant_persona: str = option("", "how the assistant is, e.g. terse and precise")
    reading: Reading = option(
        Reading.TOLERANT, "published: cut transcripts as the released code; tolerant: by lines"
    )
    temperature: float | None = option(1.0, "temperature of every call", minimum=0, maximum=2)
    top_p: float | None = option(None, "top_p of every call", minimum=0, maximum=1)
    transcript_max_tokens: int = option(
        4096, "tokens at most in a transcript", minimum=1, maximum=1_000_000
    )
    user_max_tokens: int = option(
        256, "tokens at most in a message of the person", minimum=1, maximum=1_000_000
    )
    assistant_max_tokens: int = option(
        1024, "tokens at most in a message of the assistant", minimum=1, maximum=1_000_000
    )

    SEEDS_IN_POOL: ClassVar[bool] = False
    PROFILES: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "default": {},
        "paper": {
            "opening": "topic",
            "max_rounds": 50,
            "last_exchange": "drop",
            "reading": "published",
            "exact_duplicates": False,
            "stop_phrases": [],
        },
        "paper_v2": {"form": "turns", "opening": "topic", "max_rounds": 4},
    }

    @property
    def expected_novel(self) -> float:
        """The dialogue."""
        return 1.0

    def draw(self, pool: Pool, number: int, rng: Random) -> Sequence[Source] | None:
        """The seeds one after the other, each once."""
        return [pool.seeds[number]] if number < len(pool.seeds) else None

    def propose(self, sources: Sequence[Source], rng: Random) -> Conversation[Sequence[Candidate]]:
        """The seed itself; no call is made."""
        yield from ()
        return [Candidate(each.instruction, each.is_classification) for each in sources]

    def answer(self, candidate: Candidate) -> Conversation[Answer]:
        """Have the dialogue; there is one instance, whose first exchange is its output."""
        if self.form is Form.TRANSCRIPT:
            turns = yield from self._transcript(candidate.instruction)
        else:
            turns = yield from self._turns(candidate.instruction)
        return Answer((self._instance(candidate.instruction, turns),))

    def _instance(self, seed: str, turns: Sequence[Message]) -> Instance:
        if self.last_exchange is LastExchange.DROP and self.reading is Reading.TOLERANT:
            turns = turns[:-2]
        if not turns:
            return Instance("", "", (NO_DIALOGUE,))
        reasons = (TOO_FEW_ROUNDS,) if len(turns) < 2 * self.min_rounds else ()
        asked = turns[0].content
        given = "" if normal_text(asked) == normal_text(seed) else asked
        facts = {"topic": seed}
        return Instance(given, turns[1].content, reasons, tuple(turns), facts)

    def _transcript(self, seed: str) -> Conversation[Sequence[Message]]:
        completion = yield self._transcript_prompt(seed)
        text = without_thoughts(completion.text)
        opened = f"[Human] {seed}\n[AI] " if self.opening is Opening.QUESTION else "[Human] "
        whole = text if text.lstrip("* ").startswith("[Human]") else opened + text.lstrip()
        if self.reading is Reading.PUBLISHED:
            turns = published_turns(whole)
        else:
            turns = tolerant_turns(whole, cut=is_cut(completion))
        return self._until_stopped(turns)

    def _until_stopped(self, turns: Sequence[Message]) -> Sequence[Message]:
        """The exchanges before the person says goodbye, and no more than are wanted."""
        for place in range(2, len(turns), 2):
            used = _tokens(turns[:place])
            if place >= 2 * self.max_rounds or used >= self.token_budget:
                return turns[:place]
            if self._is_over(turns[place].content, turns[:place]):
                return turns[:place]
        return turns

    def _turns(self, seed: str) -> Conversation[Sequence[Message]]:
        turns: list[Message] = []
        while len(turns) < 2 * self.max_rounds and _tokens(turns) < self.token_budget:
            if turns or self.opening is Opening.TOPIC:
                heard = yield self._user_prompt(seed, turns)
                message = one_turn(without_thoughts(heard.text).partition(END)[0])
                if is_cut(heard) or self._is_over(message, turns):
                    break
            else:
                message = seed.strip()
            replied = yield self._assistant_prompt(turns, message)
            answer = self._answer_of(replied)
            if answer is None:
                break
            turns += [Message(Role.USER, message), Message(Role.ASSISTANT, answer)]
        return turns

    def _answer_of(self, completion: Completion) -> str | None:
        """What the assistant says; nothing for an empty or a cut message."""
        text = one_turn(without_thoughts(completion.text))
        return None if is_cut(completion) or not text else text

    def _is_over(self, message: str, turns: Sequence[Message]) -> bool:
        """Whether the person has nothing to say, says goodbye, or asks the same again."""
        said = normal_text(message)
        earlier = {normal_text(each.content) for each in turns if each.role is Role.USER}
        goodbye = any(normal_text(phrase) in said for phrase in self.stop_phrases if phrase)
        return not said or said in earlier or goodbye

    def _transcript_prompt(self, seed: str) -> Prompt:
        values = {**self._personas(), "seed": seed.strip(), "rounds": str(self.max_rounds)}
        file = self.file(NAME, f"dialogue_{self.opening}")
        return self.ask("dialogue", file, values, self._decoding(self.transcript_max_tokens))

    def _user_prompt(self, seed: str, turns: Sequence[Message]) -> Prompt:
        values = {
            **self._personas(),
            "seed": seed.strip(),
            "transcript": as_transcript(turns) or "-",
            "end": END,
        }
        decoding = replace(self._decoding(self.user_max_tokens), stop=("[AI]",))
        return self.ask("user_turn", self.file(NAME, "user_turn"), values, decoding)

    def _assistant_prompt(self, turns: Sequence[Message], message: str) -> Prompt:
        decoding = self._decoding(self.assistant_max_tokens)
        file = self.file(NAME, "chat_turn")
        asked = self.ask("chat_turn", file, {"message": message}, decoding)
        return replace(asked, system=self.assistant_persona or None, history=tuple(turns))

    def _personas(self) -> Mapping[str, str]:
        personas = {"user_persona": self.user_persona, "assistant_persona": self.assistant_persona}
        return {name: f"{text.strip()} " if text.strip() else "" for name, text in personas.items()}

    def _decoding(self, max_tokens: int) -> Decoding:
        return Decoding(max_tokens, self.temperature, self.top_p)


def _tokens(turns: Sequence[Message]) -> int:
    return sum(len(each.content.encode("utf-8", "replace")) for each in turns) // _BYTES_PER_TOKEN
