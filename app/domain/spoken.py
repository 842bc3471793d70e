"""Bases of methods that speak the language of their seeds: prompts, length, unfit words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.domain.filter import InstructionFilter, instruction_reasons
from app.domain.filters.empty import Empty
from app.domain.filters.wrong_language import WrongLanguage
from app.domain.foreign import primary
from app.domain.language import (
    Language,
    blacklist_filter,
    forbidden_start_filter,
    length_filter,
    punctuation_filter,
)
from app.domain.method import Completion, Decoding, Prompt
from app.domain.options import option
from app.domain.parsing.text import without_thoughts
from app.domain.profiles import PublishedMethod
from app.domain.prompts.library import PromptFile, fill, prompt_file
from app.domain.prompts.own_texts import with_own_texts
from app.domain.reading import CUT_BY_LENGTH
from app.domain.records import Instance


@dataclass(frozen=True, kw_only=True)
class SpokenMethod(PublishedMethod):
    """A method whose prompts exist in several languages."""

    language: Language = option(
        Language.ENGLISH, "language of prompts and rules; where not given, that of the seed set"
    )

    check_language: bool = option(
        True, "drop what is plainly in another language than wanted, instructions and outputs"
    )
    row_language: str | None = option(
        None,
        "language that rows shall be in, a tag such as de; null is that of the prompts; where not "
        "given, that of the seed set",
    )
    # Not an option: what a user puts in the place of our prompt texts, checked beforehand.
    own_texts: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)

    @property
    def wanted_language(self) -> str:
        """The language that rows shall be in, as the first part of a tag."""
        return primary(self.row_language or self.language)

    def language_reasons(self, text: str, sources: Sequence[str]) -> tuple[str, ...]:
        """Why a text is in the wrong language; not where most of what it was made of is, too."""
        rule = WrongLanguage(self.wanted_language)
        reason = rule.reason(text) if self.check_language else None
        if reason is None or 2 * sum(map(bool, map(rule.reason, sources))) > len(sources):
            return ()
        return (reason,)

    def file(self, method: str, step: str) -> PromptFile:
        """The prompt of a step in the job's language, with the user's own texts in it."""
        return with_own_texts(prompt_file(method, step, self.language), step, self.own_texts)

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
    forbidden_starts: tuple[str, ...] | None = option(
        None,
        "drop an instruction that starts with one of these, case ignored; null is "
        '"Write a program" and its like in Chinese',
    )

    def instruction_filters(self) -> tuple[InstructionFilter, ...]:
        """The rules, in the order in which they are asked."""
        filters: list[InstructionFilter] = [
            Empty(),
            length_filter(self.language, self.minimum_length, self.maximum_length),
            blacklist_filter(self.language, self.blacklist),
            forbidden_start_filter(self.language, self.forbidden_starts),
            punctuation_filter(self.language),
        ]
        if self.check_language:
            filters.append(WrongLanguage(self.wanted_language))
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
