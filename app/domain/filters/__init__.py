"""The filters by name: one rule a file, each says why it drops."""

from collections.abc import Mapping

from app.domain.filter import GroupFilter, InstanceFilter, InstructionFilter
from app.domain.filters.blacklisted_phrase import BlacklistedPhrase
from app.domain.filters.blacklisted_word import BlacklistedWord
from app.domain.filters.character_count import CharacterCount
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
}
INSTANCE_FILTERS: Mapping[str, type[InstanceFilter]] = {
    "output_equals_input": OutputEqualsInput,
    "empty_output": EmptyOutput,
    "trailing_colon": TrailingColon,
}
GROUP_FILTERS: Mapping[str, type[GroupFilter]] = {
    "conflicting_outputs": ConflictingOutputs,
    "duplicate_instance": DuplicateInstance,
    "too_many_instances": TooManyInstances,
}
