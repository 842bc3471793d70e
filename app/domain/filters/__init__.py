"""The filters by name: one rule a file, each says why it drops."""

from collections.abc import Mapping

from app.domain.filter import GroupFilter, InstanceFilter, InstructionFilter, RowFilter
from app.domain.filters.as_an_ai import AsAnAi
from app.domain.filters.blacklisted_phrase import BlacklistedPhrase
from app.domain.filters.blacklisted_word import BlacklistedWord
from app.domain.filters.broken_code import BrokenCode
from app.domain.filters.card_number import CardNumber
from app.domain.filters.character_count import CharacterCount
from app.domain.filters.conflicting_outputs import ConflictingOutputs
from app.domain.filters.control_characters import ControlCharacters
from app.domain.filters.copied_answer import CopiedAnswer
from app.domain.filters.duplicate_instance import DuplicateInstance
from app.domain.filters.email_address import EmailAddress
from app.domain.filters.empty import Empty
from app.domain.filters.empty_output import EmptyOutput
from app.domain.filters.forbidden_start import ForbiddenStart
from app.domain.filters.image_request import ImageRequest
from app.domain.filters.link import Link
from app.domain.filters.merged_tasks import MergedTasks
from app.domain.filters.no_input import NoInput
from app.domain.filters.non_ascii_start import NonAsciiStart
from app.domain.filters.not_available import NotAvailable
from app.domain.filters.output_equals_input import OutputEqualsInput
from app.domain.filters.phone_number import PhoneNumber
from app.domain.filters.prompt_leak import PromptLeak
from app.domain.filters.punctuation_start import PunctuationStart
from app.domain.filters.refusal import Refusal
from app.domain.filters.repetition_loop import RepetitionLoop
from app.domain.filters.secret_key import SecretKey
from app.domain.filters.too_many_instances import TooManyInstances
from app.domain.filters.trailing_colon import TrailingColon
from app.domain.filters.truncated_answer import TruncatedAnswer
from app.domain.filters.word_count import WordCount
from app.domain.filters.wrong_language import WrongLanguage

INSTRUCTION_FILTERS: Mapping[str, type[InstructionFilter]] = {
    "empty": Empty,
    "word_count": WordCount,
    "character_count": CharacterCount,
    "blacklisted_word": BlacklistedWord,
    "blacklisted_phrase": BlacklistedPhrase,
    "forbidden_start": ForbiddenStart,
    "punctuation_start": PunctuationStart,
    "non_ascii_start": NonAsciiStart,
    "wrong_language": WrongLanguage,
    "image_request": ImageRequest,
}
INSTANCE_FILTERS: Mapping[str, type[InstanceFilter]] = {
    "output_equals_input": OutputEqualsInput,
    "empty_output": EmptyOutput,
    "trailing_colon": TrailingColon,
}
ROW_FILTERS: Mapping[str, type[RowFilter]] = {
    "control_characters": ControlCharacters,
    "merged_tasks": MergedTasks,
    "no_input": NoInput,
    "not_available": NotAvailable,
    "link": Link,
    "refusal": Refusal,
    "as_an_ai": AsAnAi,
    "prompt_leak": PromptLeak,
    "repetition_loop": RepetitionLoop,
    "truncated_answer": TruncatedAnswer,
    "copied_answer": CopiedAnswer,
    "broken_code": BrokenCode,
    "email_address": EmailAddress,
    "phone_number": PhoneNumber,
    "card_number": CardNumber,
    "secret_key": SecretKey,
}
GROUP_FILTERS: Mapping[str, type[GroupFilter]] = {
    "conflicting_outputs": ConflictingOutputs,
    "duplicate_instance": DuplicateInstance,
    "too_many_instances": TooManyInstances,
}
