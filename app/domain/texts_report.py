"""The part of a report that texts tell, be they rows of a job or lines of a file."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.domain.language_of_text import row_language
from app.domain.novelty import NoveltyIndex
from app.domain.report import Histogram, Judging, Report, Saturation, Spent, Step, histogram
from app.domain.tokens import Tokens, unicode_tokens
from app.domain.topics import topics
from app.domain.verb_nouns import most_frequent

ROWS_READ = 2000
_SCORES = tuple(part / 20 for part in range(21))
_LENGTHS = (*range(0, 100, 5), *range(100, 301, 20))
Texts = Sequence[tuple[str, str, str]]
"""Instruction, input and output of each row."""


@dataclass(frozen=True, slots=True)
class Told:
    """What texts do not tell; what is `missing` is left empty, with the reason by its name, and
    `notes` say what others rest on."""

    job: str
    method: str = ""
    simulated: bool = False
    funnel: Sequence[Step] = ()
    drops: Mapping[str, int] = field(default_factory=dict[str, int])
    saturation: Sequence[Saturation] = ()
    cost: Sequence[Spent] = ()
    judgings: Sequence[Judging] = ()
    missing: Mapping[str, str] = field(default_factory=dict[str, str])
    notes: Mapping[str, str] = field(default_factory=dict[str, str])


def spread(count: int) -> int:
    """Every how many rows one is read, so that they are at most `ROWS_READ` and evenly spread."""
    return max(1, -(-count // ROWS_READ))


def report_of(told: Told, rows: int, texts: Texts, seeds: Sequence[str], tokens: Tokens) -> Report:
    """The whole report: what was told, and what the texts say."""
    instructions = [instruction for instruction, _, _ in texts]
    verbs, with_verb = most_frequent(instructions)
    about, with_topic = topics(instructions)
    return Report(
        job=told.job,
        method=told.method,
        simulated=told.simulated,
        rows=rows,
        rows_read=len(texts),
        funnel=told.funnel,
        drops=told.drops,
        saturation=told.saturation,
        cost=told.cost,
        nearest_seed=_nearest_seed(seeds, instructions, tokens),
        lengths=_lengths(texts),
        verbs=verbs,
        rows_with_verb=with_verb,
        languages=_languages(texts),
        topics=about,
        rows_with_topic=with_topic,
        judgings=told.judgings,
        missing=told.missing,
        notes=told.notes,
    )


def _nearest_seed(seeds: Sequence[str], instructions: Sequence[str], tokens: Tokens) -> Histogram:
    index = NoveltyIndex(tokens=tokens, threshold=0.7)
    index.extend(seeds)
    found = (index.nearest(instruction) for instruction in instructions)
    return histogram((each.score for each in found if each is not None), _SCORES)


def _lengths(texts: Texts) -> Mapping[str, Histogram]:
    columns = zip(("instructions", "inputs", "outputs"), range(3), strict=True)
    return {
        name: histogram((len(unicode_tokens(each[at])) for each in texts if each[at]), _LENGTHS)
        for name, at in columns
    }


def _languages(texts: Texts) -> Mapping[str, int]:
    return dict(Counter(row_language(each[0], each[2]) for each in texts).most_common())
