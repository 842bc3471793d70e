"""Rows that overlap with an evaluation set, by runs of words or by ROUGE-L."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.domain.filter import Action, parts
from app.domain.novelty import NoveltyIndex
from app.domain.options import option
from app.domain.records import Instance
from app.domain.tokens import Tokens, unicode_tokens

# Shorter items than this have no run of words to be known by (Brown et al. 2020, appendix C: a run
# has from 8 to 13 words); only ROUGE-L finds them.
FEWEST_WORDS = 8
_Run = tuple[str, ...]


class OverlapRule(StrEnum):
    """How a row was found to overlap with an evaluation set; also the reason that drops it."""

    NGRAM = "ngram_overlap"
    ROUGE_L = "rouge_l_overlap"


@dataclass(frozen=True, kw_only=True)
class Decontamination:
    """What counts as an overlap, and what becomes of the row."""

    ngram: int | None = option(
        13,
        "a run of so many words, characters in Chinese and Japanese, that the row shares with an "
        "item (GPT-3: 13, Brown et al. 2020, appendix C); null is no such rule",
        minimum=5,
        maximum=50,
    )
    rouge_l: float | None = option(
        0.7,
        "the row's task, instruction and input together, has a ROUGE-L F to an item's above; null "
        "is no such rule",
        minimum=0.3,
        maximum=1.0,
    )
    action: Action = option(Action.DROP, "drop such rows, or keep them and flag them")


@dataclass(frozen=True, slots=True)
class EvaluationItem:
    """One item of an evaluation set, `position` from 0 in file order."""

    position: int
    instruction: str
    input: str = ""
    output: str = ""

    @property
    def task(self) -> str:
        """What is asked, without the answer."""
        return joined(self.instruction, self.input)


@dataclass(frozen=True, slots=True)
class Overlap:
    """A row and an item (by its position in the set) that overlap; `evidence` is the run of words
    or the score."""

    set_name: str
    rule: OverlapRule
    position: int
    evidence: str


class EvaluationIndex:
    """The items of one set, and the question whether a row overlaps with one of them.

    Items of 8 words or more, but fewer than `ngram`, count as one run as a whole. Not for use by
    several threads at once.
    """

    def __init__(self, name: str, rules: Decontamination) -> None:
        self.name = name
        self._ngram = rules.ngram
        self._runs: dict[int, dict[_Run, int]] = {}
        self._positions: list[int] = []
        self._near: NoveltyIndex | None = None
        if rules.rouge_l is not None:
            self._near = NoveltyIndex(tokens=Tokens.UNICODE, threshold=rules.rouge_l)

    def extend(self, items: Iterable[EvaluationItem]) -> None:
        """Add items; of equal runs and tasks the first item has them."""
        kept = list(items)
        for item in kept:
            self._learn(item)
        if self._near is not None:
            self._positions += [item.position for item in kept]
            self._near.extend(item.task for item in kept)

    def overlap(self, instruction: str, instance: Instance) -> Overlap | None:
        """The first overlap of a row: a shared run, else the nearest task above the threshold."""
        found = self.shared_run(joined(*parts(instruction, instance)))
        if found is not None or self._near is None:
            return found
        near = self._near.duplicate_of(joined(instruction, instance.input))
        if near is None:
            return None
        position, score = self._positions[near.position], f"{near.score:.3f}"
        return Overlap(self.name, OverlapRule.ROUGE_L, position, score)

    def shared_run(self, text: str) -> Overlap | None:
        """The first run of words that a text shares with an item."""
        words = unicode_tokens(text)
        for size, known in self._runs.items():
            if known.keys().isdisjoint(_runs(words, size)):
                continue
            run = next(each for each in _runs(words, size) if each in known)
            return Overlap(self.name, OverlapRule.NGRAM, known[run], " ".join(run))
        return None

    def _learn(self, item: EvaluationItem) -> None:
        if self._ngram is None:
            return
        words = unicode_tokens(joined(item.instruction, item.input, item.output))
        size = min(self._ngram, len(words))
        if size < min(self._ngram, FEWEST_WORDS):
            return
        known = self._runs.setdefault(size, {})
        for run in _runs(words, size):
            known.setdefault(run, item.position)


def joined(*texts: str) -> str:
    """The texts that are not empty, one below the other."""
    return "\n".join(filter(None, texts))


def _runs(words: Sequence[str], size: int) -> Iterator[_Run]:
    return zip(*(words[at:] for at in range(size)), strict=False)
