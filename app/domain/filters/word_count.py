"""Drops an instruction of too few or too many words."""

from dataclasses import dataclass

from app.domain.options import option
from app.domain.tokens import unicode_tokens


@dataclass(frozen=True, slots=True)
class WordCount:
    """Keeps from 4 to 150 words, inclusive, as Self-Instruct's released code does.

    Words are what whitespace parts. With `count_unspaced`, a word outside ASCII counts as many
    as the Unicode tokenizer finds in it, so that a Chinese sentence is not one word.
    """

    minimum: int = option(4, "words at least", minimum=0, maximum=100_000)
    maximum: int = option(150, "words at most", minimum=1, maximum=100_000)
    count_unspaced: bool = option(
        False, "count the words of scripts written without spaces, such as Chinese"
    )

    def reason(self, instruction: str) -> str | None:
        words = instruction.split()
        count = sum(map(self._words_in, words)) if self.count_unspaced else len(words)
        if count < self.minimum:
            return "too_short"
        return "too_long" if count > self.maximum else None

    def _words_in(self, word: str) -> int:
        return 1 if word.isascii() else max(1, len(unicode_tokens(word)))
