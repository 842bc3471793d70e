"""What instructions ask for: their root verb and its direct object, as Self-Instruct counts them.

Wang et al. 2023, https://arxiv.org/abs/2212.10560, figure 3, take both from a parser. Here two
rules stand for it, which hold for English imperatives alone: the first word is the verb unless it
opens a question or a statement, and the object is the last word of the phrase behind it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_WORD = re.compile(r"[a-z][a-z'-]*|[^\sa-z]", re.IGNORECASE)
_OPENINGS = (
    "what which who whom whose why when where how is are was were do does did can could will would "
    "should shall may might must has have had if in on at by for from to of with as about after "
    "before i you he she it we they my your his her its our their this that these those the a an "
    "there here and or but not no yes both each every some any all given please let"
)
_DETERMINERS = "me us a an the this that these those your my some any all each every"
_JOINTS = (
    "of for in on at by to from with about into as that which who whose where when if so and or "
    "but using based given between among per than without within through is are should"
)
_NO_VERBS, _SKIPPED, _ENDS = (
    frozenset(words.split()) for words in (_OPENINGS, _DETERMINERS, _JOINTS)
)
FUNCTION_WORDS = _NO_VERBS | _SKIPPED | _ENDS


@dataclass(frozen=True, slots=True)
class VerbNouns:
    """A root verb, how many instructions have it, and its most frequent objects."""

    verb: str
    count: int
    nouns: Mapping[str, int]


def verb_and_noun(instruction: str) -> tuple[str, str] | None:
    """Root verb and object in lower case; None where the rules find none."""
    words = _WORD.findall(instruction.lower())
    if words and words[0] == "please":
        words = words[1:]
    if not words or words[0] in _NO_VERBS or not _is_word(words[0]):
        return None
    noun = ""
    for word in words[1:]:
        if word in _ENDS or not _is_word(word):
            break
        if word not in _SKIPPED:
            noun = word
    return (words[0], noun) if noun else None


def _is_word(text: str) -> bool:
    return text[0].isascii() and text[0].isalpha()


def most_frequent(
    instructions: Iterable[str], *, verbs: int = 20, nouns: int = 4
) -> tuple[Sequence[VerbNouns], int]:
    """The paper's 20 verbs with 4 objects each, and how many instructions have such a pair."""
    pairs = Counter(found for each in instructions if (found := verb_and_noun(each)))
    by_verb = Counter[str]()
    for (verb, _), count in pairs.items():
        by_verb[verb] += count
    ranked = sorted(by_verb.items(), key=lambda item: (-item[1], item[0]))[:verbs]
    found = [VerbNouns(verb, count, _objects(pairs, verb, nouns)) for verb, count in ranked]
    return found, by_verb.total()


def _objects(pairs: Mapping[tuple[str, str], int], verb: str, most: int) -> Mapping[str, int]:
    own = [(noun, count) for (each, noun), count in pairs.items() if each == verb]
    return dict(sorted(own, key=lambda item: (-item[1], item[0]))[:most])
