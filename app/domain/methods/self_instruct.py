"""Self-Instruct (Wang et al. 2023, arXiv:2212.10560): tasks from tasks, then their instances.

Three steps: continue a list of instructions; ask whether one is classification; ask for its
instances, input first or, for classification, label first.
"""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import ClassVar

from app.domain.filter import GroupFilter, InstanceFilter, InstructionFilter, judge_instances
from app.domain.filters.blacklisted_word import PUBLISHED_BLACKLIST
from app.domain.filters.conflicting_outputs import ConflictingOutputs
from app.domain.filters.duplicate_instance import DuplicateInstance
from app.domain.filters.empty import Empty
from app.domain.filters.empty_output import EmptyOutput
from app.domain.filters.non_ascii_start import NonAsciiStart
from app.domain.filters.output_equals_input import OutputEqualsInput
from app.domain.filters.too_many_instances import TooManyInstances
from app.domain.filters.trailing_colon import TrailingColon
from app.domain.language import (
    RULES,
    Language,
    blacklist_filter,
    forbidden_start_filter,
    length_filter,
    punctuation_filter,
)
from app.domain.method import Conversation, Decoding, Pool, Prompt
from app.domain.options import option
from app.domain.parsing.text import collapsed
from app.domain.prompts.library import PromptFile, fill
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
from app.domain.spoken import SpokenMethod

NAME = "self_instruct"
UNCLEAR_CLASSIFICATION = "unclear_classification"


@dataclass(frozen=True, slots=True)
class _Words:
    """What the prompts of a language say for yes and no, and what shows that a reply is over."""

    yes: str
    no: str
    next_task: str
    next_example: tuple[str, ...]


_WORDS = {
    Language.ENGLISH: _Words("Yes", "No", "\nTask:", ("Example {{past}}",)),
    Language.CHINESE: _Words("是", "否", "\n任务：", ("示例 {{past}}", "示例{{past}}")),
}


class Unclear(StrEnum):
    """What follows when the classification step says neither yes nor no."""

    ANSWER = "answer"
    DROP = "drop"


@dataclass(frozen=True, kw_only=True)
class SelfInstruct(SpokenMethod):
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
    classify_stop: tuple[str, ...] | None = option(
        None, "strings that end a classifying reply; null is the mark of the next task"
    )
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
    answer_stop: tuple[str, ...] | None = option(
        None,
        "strings that end an answer; {{past}} is the number after the last example; null is the "
        "marks of that example and of the next task",
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

    minimum_words: int | None = option(
        None,
        "words that an instruction has at least, characters in Chinese; null is 4",
        minimum=0,
        maximum=10_000,
    )
    maximum_words: int | None = option(
        None,
        "words that an instruction has at most, characters in Chinese; null is 150, 149 in Chinese",
        minimum=1,
        maximum=10_000,
    )
    count_unspaced: bool = option(
        True, "in English, count the words of scripts written without spaces, such as Thai"
    )
    blacklist: tuple[str, ...] | None = option(
        None,
        "drop an instruction that holds one of these: as a whole word, in Chinese anywhere; "
        "null is the 13 words of the released code, in Chinese the language's own list",
    )
    forbidden_starts: tuple[str, ...] | None = option(
        None,
        "drop an instruction that starts with one of these, case ignored; null is "
        '"Write a program" and its like in Chinese',
    )
    punctuation_start: bool = option(
        True,
        "drop an instruction whose first character is punctuation, in Chinese also wide",
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
            "language": "en",
            "check_language": False,
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
        found = read_instances(
            completion, self.reading, is_classification=verdict, language=self.language
        )
        group = self._group_filters(candidate.instruction)
        return Answer(judge_instances(found, self._instance_filters(), group), verdict)

    def _propose_prompt(self, sources: Sequence[Source]) -> Prompt:
        step = "propose_classification" if self.classification_only else "propose"
        colons = "".join(RULES[self.language].colons)
        shown = [collapsed(each.instruction).rstrip(colons) for each in sources]
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
        return self._prompt("propose", self.file(NAME, step), values, decoding)

    def _classify_prompt(self, instruction: str) -> Prompt:
        file = self.file(NAME, "classify")
        words = _WORDS[self.language]
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
            stop=(words.next_task,) if self.classify_stop is None else self.classify_stop,
        )
        return self._prompt("classify", file, values, decoding)

    def _classified(self, file: PromptFile) -> Sequence[str]:
        """The first so many examples of either answer, in the order of the file."""
        words = _WORDS[self.language]
        left = {words.yes: self.classify_yes_examples, words.no: self.classify_no_examples}
        kept: list[str] = []
        for example in file.examples:
            answer = example.rsplit(" ", 1)[1]
            left[answer] -= 1
            if left[answer] >= 0:
                kept.append(example)
        return kept

    def _answer_prompt(self, instruction: str, verdict: bool | None) -> Prompt:
        file = self.file(NAME, "answer_output_first" if verdict else "answer_input_first")
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
            stop=_stops(self._answer_stop(), self.max_instances + 1),
        )
        return self._prompt("answer", file, values, decoding)

    def _answer_stop(self) -> tuple[str, ...]:
        words = _WORDS[self.language]
        own = (*words.next_example, words.next_task)
        return own if self.answer_stop is None else self.answer_stop

    def _prompt(
        self, step: str, file: PromptFile, values: Mapping[str, str], decoding: Decoding
    ) -> Prompt:
        return self.ask(
            step, file if self.guide_chat else replace(file, system=None), values, decoding
        )

    def _instruction_filters(self) -> tuple[InstructionFilter, ...]:
        english = self.language is Language.ENGLISH
        own_list = PUBLISHED_BLACKLIST if english else None
        filters: list[InstructionFilter] = [
            Empty(),
            self._length_filter(),
            blacklist_filter(self.language, own_list if self.blacklist is None else self.blacklist),
            forbidden_start_filter(self.language, self.forbidden_starts),
        ]
        if self.punctuation_start:
            filters.append(punctuation_filter(self.language))
        if self.ascii_start:
            filters.append(NonAsciiStart())
        return tuple(filters)

    def _length_filter(self) -> InstructionFilter:
        fewest, most = self.minimum_words, self.maximum_words
        unspaced = self.count_unspaced
        return length_filter(self.language, fewest, most, count_unspaced=unspaced)

    def _instance_filters(self) -> tuple[InstanceFilter, ...]:
        colons = RULES[self.language].colons
        return (OutputEqualsInput(), EmptyOutput(), TrailingColon(colons))

    def _group_filters(self, instruction: str) -> tuple[GroupFilter, ...]:
        seed = f"{self.instance_seed}:{instruction}"
        return (
            ConflictingOutputs(),
            DuplicateInstance(),
            TooManyInstances(self.max_instances, seed),
        )


def _stops(stops: Sequence[str], past: int) -> tuple[str, ...]:
    return tuple(fill(stop, {"past": str(past)}) for stop in stops)
