"""Drops an instruction that is plainly not in the language of its job."""

from dataclasses import dataclass

from app.domain.foreign import is_foreign
from app.domain.options import option

WRONG_LANGUAGE = "wrong_language"


@dataclass(frozen=True, slots=True)
class WrongLanguage:
    """By script, by common words, then by a model that is sure; terms, names and code do no harm.

    `language` is the first part of a tag, such as ``en``; one that is not known drops nothing.
    """

    language: str = option("en", "language that is wanted, the first part of a tag")

    def reason(self, instruction: str) -> str | None:
        return WRONG_LANGUAGE if is_foreign(instruction, self.language) else None
