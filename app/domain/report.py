"""The report of a job: from calls to rows, how novelty wore off, how varied the rows are."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from uuid import UUID

from app.domain.judging import Agreement, agreement, edges
from app.domain.topics import Topic
from app.domain.verb_nouns import VerbNouns

ScoresByCriterion = Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True)
class Histogram:
    """`counts[i]` values lie in `[edges[i], edges[i + 1])`, the last one's upper edge included."""

    edges: Sequence[float]
    counts: Sequence[int]
    mean: float


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the funnel."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Saturation:
    """Candidates of the proposing calls up to `calls`, since the point before, and how many new."""

    calls: int
    candidates: int
    novel: int


@dataclass(frozen=True, slots=True)
class Spent:
    """What had been spent, in micro-USD, and accepted, so many seconds after the first call."""

    seconds: float
    micro_usd: int
    rows: int


@dataclass(frozen=True, slots=True)
class CriterionScores:
    """Scores under one criterion, each row's mean over its samples, and how the samples agree.

    `agreement` is None where no row was scored twice.
    """

    name: str
    scores: Histogram
    agreement: Agreement | None


@dataclass(frozen=True, slots=True)
class Judging:
    """What a judging job said of the rows; the figures are those of `rows_read` of its `rows`."""

    judge_job_id: UUID
    judge: str
    rows: int
    rows_read: int
    overall: Histogram
    criteria: Sequence[CriterionScores]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is told of a job.

    The texts were read from `rows_read` of the `rows` rows of the dataset, evenly spread: the
    first target rows by order that nobody dropped. `nearest_seed` is of the ROUGE-L F-measure to
    the most similar seed, lengths are in tokens (one for each ideograph), `languages` maps ISO
    639-1 codes to rows. `missing` says, by member, why something cannot be told; it is empty then.
    `notes` says, by member, what it rests on where not all that is stored was read.
    """

    job: str
    method: str
    simulated: bool
    rows: int
    rows_read: int
    funnel: Sequence[Step]
    drops: Mapping[str, int]
    saturation: Sequence[Saturation]
    cost: Sequence[Spent]
    nearest_seed: Histogram
    lengths: Mapping[str, Histogram]
    verbs: Sequence[VerbNouns]
    rows_with_verb: int
    languages: Mapping[str, int]
    judgings: Sequence[Judging] = ()
    topics: Sequence[Topic] = ()
    rows_with_topic: int = 0
    missing: Mapping[str, str] = field(default_factory=dict[str, str])
    notes: Mapping[str, str] = field(default_factory=dict[str, str])


def histogram(values: Iterable[float], edges: Sequence[float]) -> Histogram:
    """How many values lie between each two edges; what lies beyond counts at the end."""
    counts, total, number = [0] * (len(edges) - 1), 0.0, 0
    for value in values:
        place = bisect_right(edges, value) - 1
        counts[min(max(place, 0), len(counts) - 1)] += 1
        total, number = total + value, number + 1
    return Histogram(tuple(edges), tuple(counts), total / number if number else 0.0)


def judging(
    judge_job_id: UUID, judge: str, rows: int, found: Sequence[tuple[float, ScoresByCriterion]]
) -> Judging:
    """The histograms and the agreement of what was said; `found` is each row's mean and scores."""
    names = list(dict.fromkeys(name for _, scores in found for name in scores))
    criteria = [
        _criterion(name, [scores[name] for _, scores in found if name in scores]) for name in names
    ]
    return Judging(
        judge_job_id, judge, rows, len(found), _spread([mean for mean, _ in found]), criteria
    )


def _criterion(name: str, units: Sequence[Sequence[float]]) -> CriterionScores:
    return CriterionScores(name, _spread([fmean(unit) for unit in units]), agreement(units))


def _spread(values: Sequence[float]) -> Histogram:
    """From the whole number below the least to that above the most."""
    low, high = math.floor(min(values, default=0.0)), math.ceil(max(values, default=1.0))
    return histogram(values, edges(low, high))


def funnel(
    calls: Mapping[str, int], candidates: Mapping[str, int], rows: Mapping[str, int]
) -> Sequence[Step]:
    """From the calls that were issued to the rows that were accepted."""
    parsed = sum(candidates.values())
    return [
        Step("calls issued", calls.get("issued", 0)),
        Step("replies read", calls.get("accepted", 0) + calls.get("rejected", 0)),
        Step("instructions parsed", parsed),
        Step("instructions fit", parsed - candidates.get("rejected", 0)),
        Step("instructions new", candidates.get("novel", 0)),
        Step("rows parsed", sum(rows.values())),
        Step("rows accepted", rows.get("accepted", 0)),
    ]
