"""Bases of methods that speak the language of their seeds: prompts, length, unfit words."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.filter import InstructionFilter, instruction_reasons
from app.domain.filters.empty import Empty
from app.domain.filters.forbidden_start import ForbiddenStart
from app.domain.filters.punctuation_start import PunctuationStart
from app.domain.filters.wrong_language import WrongLanguage
from app.domain.language import Language, blacklist_filter, length_filter
from app.domain.method import Completion, Decoding, Prompt
from app.domain.options import option
from app.domain.parsing.text import without_thoughts
from app.domain.profiles import PublishedMethod
from app.domain.prompts.library import PromptFile, fill, prompt_file
from app.domain.reading import CUT_BY_LENGTH
from app.domain.records import Instance


@dataclass(frozen=True, kw_only=True)
class SpokenMethod(PublishedMethod):
    """A method whose prompts exist in several languages."""

    language: Language = option(
        Language.ENGLISH, "language of prompts and rules; where not given, that of the seed set"
    )

    def file(self, method: str, step: str) -> PromptFile:
        """The prompt file of a step in the job's language."""
        return prompt_file(method, step, self.language)

    def ask(
        self, step: str, file: PromptFile, values: Mapping[str, str], decoding: Decoding
    ) -> Prompt:
        """A prompt from a file and the values of its placeholders."""
        system = fill(file.system, values) if file.system else None
        return Prompt(step, fill(file.frame, values), decoding, file.label, system)


@dataclass(frozen=True, kw_only=True)
class FilteredMethod(SpokenMethod):
    """A method whose instructions are judged by the rules of their language."""

    minimum_length: int | None = option(
        None,
        "words that an instruction has at least, characters in Chinese; null is 4",
        minimum=0,
        maximum=100_000,
    )
    maximum_length: int | None = option(
        None,
        "words that an instruction has at most, characters in Chinese; null is 150, 149 in Chinese",
        minimum=1,
        maximum=100_000,
    )
    blacklist: tuple[str, ...] | None = option(
        None,
        "drop an instruction that holds one of these: as a whole word, in Chinese anywhere; "
        "null is the language's own list",
    )
    forbidden_starts: tuple[str, ...] = option(
        ("Write a program",), "drop an instruction that starts with one of these, case ignored"
    )
    check_language: bool = option(
        True, "drop an instruction that is plainly in another script than the language's"
    )

    def instruction_filters(self) -> tuple[InstructionFilter, ...]:
        """The rules, in the order in which they are asked."""
        filters: list[InstructionFilter] = [
            Empty(),
            length_filter(self.language, self.minimum_length, self.maximum_length),
            blacklist_filter(self.language, self.blacklist),
            ForbiddenStart(self.forbidden_starts),
            PunctuationStart(),
        ]
        if self.check_language:
            filters.append(WrongLanguage(self.language))
        return tuple(filters)

    def reasons(self, instruction: str) -> tuple[str, ...]:
        """Why an instruction is dropped."""
        return instruction_reasons(instruction, self.instruction_filters())


def is_cut(completion: Completion) -> bool:
    """Whether a reply ended because it grew too long."""
    return completion.finish_reason == "length"


def whole_reply(completion: Completion, given: str = "") -> Instance:
    """A reply that is the answer as a whole; one that was cut is dropped."""
    reasons = (CUT_BY_LENGTH,) if is_cut(completion) else ()
    return Instance(given, without_thoughts(completion.text).strip(), reasons)
