"""Drops a row whose answer breaks off in the middle."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

import re
from dataclasses import dataclass

from app.domain.filter import answers
from app.domain.options import option
from app.domain.records import Instance

# Marks that open or go on, and words that want another behind them.
_OPEN_END = re.compile(
    r"(?:[,(\[{，、；（《「『“]"
    r"|(?<![\w'’-])(?:the|an|and|or|of|because|which|whose|than|but|into|their|our|your|its|is|are"
    r"|was|were)|(?:以及|并且|而且|因为|但是|或者))\s*\Z"
)
# At the end of an item of a list these can stand: the people one lives with.
_OPEN_SENTENCE = re.compile(r"(?<![\w'’-])(?:to|with|from|for|by|such as)\s*\Z")
_ITEM = re.compile(r"\s*(?:\d+[.)]|[-*•])")
_FENCE = re.compile(r"^[ \t]*```", re.MULTILINE)
_TAIL = 40
_LEAST_WORDS_OF_LINE = 5  # a shorter last line can be «Sincerely,» or «End for»


@dataclass(frozen=True, slots=True)
class TruncatedAnswer:
    """Ours, for what `cut_by_length` cannot know: a reply that ended as if it were whole.

    A short answer may end in any word (a blank that is filled in), so only longer ones are judged.
    A code block that is opened and not closed counts at any length.
    """

    least_words: int = option(
        12, "answers of fewer words, by white space, are not judged", minimum=1, maximum=100_000
    )

    def reason(self, instruction: str, instance: Instance) -> str | None:
        return "truncated_answer" if any(map(self._breaks_off, answers(instance))) else None

    def _breaks_off(self, text: str) -> bool:
        if "```" in text and len(_FENCE.findall(text)) % 2:
            return True
        return _has_open_end(text) and self._is_long(text)

    def _is_long(self, text: str) -> bool:
        """Chinese is not parted by white space."""
        return not text.isascii() or len(text.split()) >= self.least_words


def _has_open_end(text: str) -> bool:
    tail = text[-_TAIL:]
    in_a_sentence = _OPEN_SENTENCE.search(tail)
    if not (in_a_sentence or _OPEN_END.search(tail)):
        return False
    line = text.rstrip().rpartition("\n")[2]
    if in_a_sentence and _ITEM.match(line):
        return False
    return not line.isascii() or len(line.split()) >= _LEAST_WORDS_OF_LINE
