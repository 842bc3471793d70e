"""Drops an instruction that is plainly not in the language of its job."""

import re
from dataclasses import dataclass

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_KANA_OR_HANGUL = re.compile(r"[\u3041-\u30ff\uac00-\ud7a3]")
_LETTER = re.compile(r"[^\W\d_]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")


@dataclass(frozen=True, slots=True)
class WrongLanguage:
    """By script alone, so that terms, names and code of another language do no harm.

    Chinese wants some Han characters and more of them than kana or Hangul; English wants at least
    half of its letters to be Latin. A text without letters is in any language.
    """

    language: str = "en"

    def reason(self, instruction: str) -> str | None:
        letters = len(_LETTER.findall(instruction))
        if not letters:
            return None
        fits = self._is_chinese if self.language == "zh" else self._is_latin
        return None if fits(instruction, letters) else "wrong_language"

    def _is_chinese(self, text: str, letters: int) -> bool:
        return len(_HAN.findall(text)) > len(_KANA_OR_HANGUL.findall(text))

    def _is_latin(self, text: str, letters: int) -> bool:
        return 2 * len(_LATIN.findall(text)) >= letters
