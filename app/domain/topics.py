"""What instructions are about: the content words that cover most of them, each with its company.

A topic is one word. The first is the word that most instructions hold, the next the one that most
of the rest hold, and so on: the greedy cover, which is within 1 - 1/e of the best that so many
words can cover (Nemhauser, Wolsey and Fisher 1978, Mathematical Programming 14, 265-294). An
instruction belongs to the first topic whose word it holds. Words that say what is to be done, and
not about what, are left out: function words, the root verb, and what more than half of the
instructions hold. Chinese and Japanese, which part no words, give pairs of ideographs.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.domain.verb_nouns import FUNCTION_WORDS, verb_and_noun

MOST_TOPICS = 12
_COMPANY = 3
_LEAST_SHARE = 0.01
_TOO_COMMON = 0.5
_SHORTEST = 3
_WORD = re.compile(r"[\u3400-\u9fff]+|[^\W\d_\u3400-\u9fff]+")
# What instructions of any topic say.
_WORDS_OF_TASKS = (
    "following sentence sentences paragraph text word words example examples list answer question "
    "questions output input one two three four five ten new make use used using write give explain "
    "describe create provide generate short brief best different people person way ways thing "
    "things more most also not only other others such than then they them what how why who when "
    "where which would could should will can may must have has had does did been being were was "
    "are you your his her its our their between before after during without within about above "
    "below over under very just like good well need want help least per many much"
)
_OF_TASKS = frozenset(_WORDS_OF_TASKS.split())


@dataclass(frozen=True, slots=True)
class Topic:
    """A word, how many instructions belong to it, and the words most often beside it there."""

    word: str
    count: int
    beside: tuple[str, ...]


def topics(instructions: Iterable[str], *, most: int = MOST_TOPICS) -> tuple[Sequence[Topic], int]:
    """The topics, the largest first as they were found, and how many instructions have one."""
    left = [words for each in instructions if (words := content_words(each))]
    total, found = len(left), list[Topic]()
    common = {word for word, n in _holding(left).items() if n > _TOO_COMMON * total}
    if total > 2:
        left = [words - common for words in left]
    least = max(2, round(_LEAST_SHARE * total))
    while len(found) < most:
        counts = _holding(left)
        word, count = min(counts.items(), key=_rank, default=("", 0))
        if count < least:
            break
        own = [words for words in left if word in words]
        left = [words for words in left if word not in words]
        beside = sorted((_holding(own) - Counter({word: count})).items(), key=_rank)
        found.append(Topic(word, count, tuple(each for each, n in beside[:_COMPANY] if n > 1)))
    return found, sum(each.count for each in found)


def _rank(item: tuple[str, int]) -> tuple[int, str]:
    """The most frequent first, equals by the alphabet."""
    return (-item[1], item[0])


def _holding(texts: Iterable[frozenset[str]]) -> Counter[str]:
    return Counter(word for words in texts for word in words)


def content_words(instruction: str) -> frozenset[str]:
    """The words of an instruction that may be a topic, in lower case and the singular."""
    found = verb_and_noun(instruction)
    verb = found[0] if found else ""
    words: set[str] = set()
    for run in _WORD.findall(instruction.lower()):
        if "\u3400" <= run[0] <= "\u9fff":
            words |= {run[at : at + 2] for at in range(max(1, len(run) - 1))}
        elif run != verb and len(run) >= _SHORTEST and run not in _OF_TASKS | FUNCTION_WORDS:
            words.add(_singular(run))
    return frozenset(words)


def _singular(word: str) -> str:
    """English plurals alone, by their endings."""
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    plural = len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is"))
    return word[:-1] if plural else word
