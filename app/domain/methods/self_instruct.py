"""Self-Instruct (Wang et al. 2023, arXiv:2212.10560): tasks from tasks, then their instances.

Three steps: continue a list of instructions; ask whether one is classification; ask for its
instances, input first or, for classification, label first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import ClassVar

from app.domain.filter import GroupFilter, InstanceFilter, InstructionFilter, judge_instances
from app.domain.filters.blacklisted_word import PUBLISHED_BLACKLIST, BlacklistedWord
from app.domain.filters.conflicting_outputs import ConflictingOutputs
from app.domain.filters.duplicate_instance import DuplicateInstance
from app.domain.filters.empty import Empty
from app.domain.filters.empty_output import EmptyOutput
from app.domain.filters.forbidden_start import ForbiddenStart
from app.domain.filters.non_ascii_start import NonAsciiStart
from app.domain.filters.output_equals_input import OutputEqualsInput
from app.domain.filters.punctuation_start import PunctuationStart
from app.domain.filters.too_many_instances import TooManyInstances
from app.domain.filters.trailing_colon import TrailingColon
from app.domain.filters.word_count import WordCount
from app.domain.method import Conversation, Decoding, Pool, Prompt
from app.domain.options import option
from app.domain.parsing.text import collapsed
from app.domain.profiles import PublishedMethod
from app.domain.prompts.library import PromptFile, fill, prompt_file
from app.domain.reading import (
    Casing,
    CutReply,
    Reading,
    read_candidates,
    read_instances,
    read_verdict,
)
from app.domain.records import Answer, Candidate, Instance, Source
from app.domain.sampling import draw_shown

NAME = "self_instruct"
UNCLEAR_CLASSIFICATION = "unclear_classification"
INSTANCE_FILTERS: tuple[InstanceFilter, ...] = (
    OutputEqualsInput(),
    EmptyOutput(),
    TrailingColon(),
)


class Unclear(StrEnum):
    """What follows when the classification step says neither yes nor no."""

    ANSWER = "answer"
    DROP = "drop"


@dataclass(frozen=True, kw_only=True)
class SelfInstruct(PublishedMethod):
    """Its options are the constants of the paper and of the code released with it.

    In a stop, ``{{past}}`` is the first number too many: of the list of instructions (16), or of
    the examples (6).
    """

    instructions_shown: int = option(
        8, "instructions that each prompt shows", minimum=1, maximum=100
    )
    machine_instructions: int = option(
        2, "how many of them are machine-made, once there are any", minimum=0, maximum=100
    )
    new_instructions: int = option(
        7, "new instructions wanted of each prompt", minimum=1, maximum=100
    )
    classification_only: bool = option(
        False, "show classification seeds only, and ask for classification tasks"
    )
    guide_chat: bool = option(
        True, "tell a chat model beforehand, in a system message, to continue in the same form"
    )

    propose_temperature: float | None = option(
        0.7, "temperature of the proposing step", minimum=0, maximum=2
    )
    propose_top_p: float | None = option(0.5, "top_p of the proposing step", minimum=0, maximum=1)
    propose_max_tokens: int = option(
        1024, "tokens at most in a proposing reply", minimum=1, maximum=1_000_000
    )
    propose_frequency_penalty: float | None = option(
        0.0, "frequency penalty of the proposing step", minimum=-2, maximum=2
    )
    propose_presence_penalty: float | None = option(
        2.0, "presence penalty of the proposing step", minimum=-2, maximum=2
    )
    propose_stop: tuple[str, ...] = option(
        ("\n{{past}}",), "strings that end a proposing reply; {{past}} is the number after the last"
    )

    classify_temperature: float | None = option(
        0.0, "temperature of the classifying step", minimum=0, maximum=2
    )
    classify_top_p: float | None = option(
        None, "top_p of the classifying step", minimum=0, maximum=1
    )
    classify_max_tokens: int = option(
        32, "tokens at most in a classifying reply", minimum=1, maximum=1_000_000
    )
    classify_frequency_penalty: float | None = option(
        0.0, "frequency penalty of the classifying step", minimum=-2, maximum=2
    )
    classify_presence_penalty: float | None = option(
        0.0, "presence penalty of the classifying step", minimum=-2, maximum=2
    )
    classify_stop: tuple[str, ...] = option(("\nTask:",), "strings that end a classifying reply")
    classify_yes_examples: int = option(
        12, "worked examples of classification in the classifying prompt", minimum=0, maximum=12
    )
    classify_no_examples: int = option(
        19, "worked examples of other tasks in the classifying prompt", minimum=0, maximum=19
    )

    answer_temperature: float | None = option(
        0.0, "temperature of the answering step", minimum=0, maximum=2
    )
    answer_top_p: float | None = option(None, "top_p of the answering step", minimum=0, maximum=1)
    answer_max_tokens: int = option(
        1024, "tokens at most in an answer, input first", minimum=1, maximum=1_000_000
    )
    answer_classification_max_tokens: int = option(
        512, "tokens at most in an answer, label first", minimum=1, maximum=1_000_000
    )
    answer_frequency_penalty: float | None = option(
        0.0, "frequency penalty of the answering step", minimum=-2, maximum=2
    )
    answer_presence_penalty: float | None = option(
        1.5, "presence penalty of the answering step", minimum=-2, maximum=2
    )
    answer_stop: tuple[str, ...] = option(
        ("Example {{past}}", "\nTask:"),
        "strings that end an answer; {{past}} is the number after the last example",
    )
    input_first_examples: int = option(
        11, "worked tasks in the prompt that asks for the input first", minimum=0, maximum=11
    )
    output_first_examples: int = option(
        16, "worked tasks in the prompt that asks for the label first", minimum=0, maximum=16
    )

    reading: Reading = option(
        Reading.TOLERANT,
        "published: split replies as the released code; tolerant: chat replies too",
    )
    casing: Casing = option(
        Casing.KEEP, "capitalize: first letter upper, all others lower, as published"
    )
    cut_reply: CutReply = option(
        CutReply.DROP_LAST, "what a list cut by its length loses: the cut item, or all"
    )
    unclear_classification: Unclear = option(
        Unclear.ANSWER, "an instruction that is neither yes nor no: answer it input first, or drop"
    )

    minimum_words: int = option(
        4, "words that an instruction has at least", minimum=0, maximum=10_000
    )
    maximum_words: int = option(
        150, "words that an instruction has at most", minimum=1, maximum=10_000
    )
    count_unspaced: bool = option(
        True, "count the words of scripts written without spaces, such as Chinese"
    )
    blacklist: tuple[str, ...] = option(
        PUBLISHED_BLACKLIST, "drop an instruction that holds one of these as a whole word"
    )
    forbidden_starts: tuple[str, ...] = option(
        ("Write a program",), "drop an instruction that starts with one of these, case ignored"
    )
    punctuation_start: bool = option(
        True, "drop an instruction whose first character is ASCII punctuation"
    )
    ascii_start: bool = option(False, "drop an instruction whose first character is not ASCII")
    max_instances: int = option(
        5, "instances kept of one instruction at most", minimum=1, maximum=100
    )
    instance_seed: int = option(
        123, "seed of the draw that keeps them", minimum=0, maximum=2**63 - 1
    )

    PROFILES: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "default": {},
        "paper": {
            "threshold": 0.7,
            "exact_duplicates": False,
            "order": "strict",
            "round_size": 5,
            "guide_chat": False,
            "propose_stop": ["\n\n", "\n{{past}}", "{{past}}.", "{{past}} ."],
            "classify_top_p": 0.0,
            "classify_max_tokens": 3,
            "classify_stop": ["\n", "Task"],
            "answer_top_p": 0.0,
            "answer_max_tokens": 350,
            "answer_classification_max_tokens": 300,
            "answer_stop": ["Example {{past}}", "Task:"],
            "reading": "published",
            "casing": "capitalize",
            "cut_reply": "drop_all",
            "count_unspaced": False,
            "ascii_start": True,
        },
    }

    def draw(self, pool: Pool, number: int, rng: Random) -> Sequence[Source]:
        """Choose what a prompt shows; every conversation draws alike, so `number` is not used."""
        return draw_shown(
            pool,
            rng,
            shown=self.instructions_shown,
            machine=self.machine_instructions,
            classification_only=self.classification_only,
        )

    def propose(self, sources: Sequence[Source], rng: Random) -> Conversation[Sequence[Candidate]]:
        """Ask for the continuation of the list of sources; return what it holds, drops included."""
        completion = yield self._propose_prompt(sources)
        return read_candidates(
            completion,
            self._instruction_filters(),
            reading=self.reading,
            casing=self.casing,
            cut_reply=self.cut_reply,
        )

    def answer(self, candidate: Candidate) -> Conversation[Answer]:
        """Ask whether it is classification, unless known, then for its instances."""
        verdict = candidate.is_classification
        if verdict is None:
            completion = yield self._classify_prompt(candidate.instruction)
            verdict = read_verdict(completion, self.reading)
        if verdict is None and self.unclear_classification is Unclear.DROP:
            return Answer((Instance("", "", (UNCLEAR_CLASSIFICATION,)),))
        completion = yield self._answer_prompt(candidate.instruction, verdict)
        found = read_instances(completion, self.reading, is_classification=verdict)
        group = self._group_filters(candidate.instruction)
        return Answer(judge_instances(found, INSTANCE_FILTERS, group), verdict)

    def _propose_prompt(self, sources: Sequence[Source]) -> Prompt:
        step = "propose_classification" if self.classification_only else "propose"
        shown = [collapsed(each.instruction).rstrip(":") for each in sources]
        following = len(shown) + 1
        values = {
            "tasks": "\n".join(f"{number}. {text}" for number, text in enumerate(shown, 1)),
            "next": str(following),
            "last": str(len(shown) + self.new_instructions),
        }
        decoding = Decoding(
            max_tokens=self.propose_max_tokens,
            temperature=self.propose_temperature,
            top_p=self.propose_top_p,
            presence_penalty=self.propose_presence_penalty,
            frequency_penalty=self.propose_frequency_penalty,
            stop=_stops(self.propose_stop, following + self.new_instructions),
        )
        return self._prompt("propose", prompt_file(NAME, step), values, decoding)

    def _classify_prompt(self, instruction: str) -> Prompt:
        file = prompt_file(NAME, "classify")
        values = {
            "examples": "\n\n".join(self._classified(file)),
            "instruction": collapsed(instruction),
        }
        decoding = Decoding(
            max_tokens=self.classify_max_tokens,
            temperature=self.classify_temperature,
            top_p=self.classify_top_p,
            presence_penalty=self.classify_presence_penalty,
            frequency_penalty=self.classify_frequency_penalty,
            stop=self.classify_stop,
        )
        return self._prompt("classify", file, values, decoding)

    def _classified(self, file: PromptFile) -> Sequence[str]:
        """The first so many examples of either answer, in the order of the file."""
        left = {"Yes": self.classify_yes_examples, "No": self.classify_no_examples}
        kept: list[str] = []
        for example in file.examples:
            answer = example.rsplit(" ", 1)[1]
            left[answer] -= 1
            if left[answer] >= 0:
                kept.append(example)
        return kept

    def _answer_prompt(self, instruction: str, verdict: bool | None) -> Prompt:
        file = prompt_file(NAME, "answer_output_first" if verdict else "answer_input_first")
        shown = self.output_first_examples if verdict else self.input_first_examples
        values = {
            "examples": "\n\n".join(file.examples[:shown]),
            "instruction": instruction.strip(),
            "instances": str(self.max_instances),
        }
        longest = self.answer_classification_max_tokens if verdict else self.answer_max_tokens
        decoding = Decoding(
            max_tokens=longest,
            temperature=self.answer_temperature,
            top_p=self.answer_top_p,
            presence_penalty=self.answer_presence_penalty,
            frequency_penalty=self.answer_frequency_penalty,
            stop=_stops(self.answer_stop, self.max_instances + 1),
        )
        return self._prompt("answer", file, values, decoding)

    def _prompt(
        self, step: str, file: PromptFile, values: Mapping[str, str], decoding: Decoding
    ) -> Prompt:
        guided = self.guide_chat and file.system is not None
        system = fill(file.system or "", values) if guided else None
        return Prompt(step, fill(file.frame, values), decoding, file.label, system)

    def _instruction_filters(self) -> tuple[InstructionFilter, ...]:
        filters: list[InstructionFilter] = [
            Empty(),
            WordCount(self.minimum_words, self.maximum_words, self.count_unspaced),
            BlacklistedWord(self.blacklist),
            ForbiddenStart(self.forbidden_starts),
        ]
        if self.punctuation_start:
            filters.append(PunctuationStart())
        if self.ascii_start:
            filters.append(NonAsciiStart())
        return tuple(filters)

    def _group_filters(self, instruction: str) -> tuple[GroupFilter, ...]:
        seed = f"{self.instance_seed}:{instruction}"
        return (
            ConflictingOutputs(),
            DuplicateInstance(),
            TooManyInstances(self.max_instances, seed),
        )


def _stops(stops: Sequence[str], past: int) -> tuple[str, ...]:
    return tuple(fill(stop, {"past": str(past)}) for stop in stops)
