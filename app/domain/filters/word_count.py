"""Drops an instruction of too few or too many words."""

from dataclasses import dataclass

from app.domain.tokens import unicode_tokens


@dataclass(frozen=True, slots=True)
class WordCount:
    """Keeps from 4 to 150 words, inclusive, as Self-Instruct's released code does.

    Words are what whitespace parts. With `count_unspaced`, a word outside ASCII counts as many
    as the Unicode tokenizer finds in it, so that a Chinese sentence is not one word.
    """

    minimum: int = 4
    maximum: int = 150
    count_unspaced: bool = False

    def reason(self, instruction: str) -> str | None:
        words = instruction.split()
        count = sum(map(self._words_in, words)) if self.count_unspaced else len(words)
        if count < self.minimum:
            return "too_short"
        return "too_long" if count > self.maximum else None

    def _words_in(self, word: str) -> int:
        return 1 if word.isascii() else max(1, len(unicode_tokens(word)))
