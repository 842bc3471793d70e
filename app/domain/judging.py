"""What a judge says of a row: a score for each criterion and sample, and what they come to."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

SCORE, SCORES = "score", "scores"
BELOW_SCORE = "below_score"
NOT_JUDGED = "not_judged"
OVERALL = "overall"
REWARD = "reward"
RESERVED = (OVERALL, "reason")
MOST_CRITERIA = 12
MOST_NAME_CHARACTERS = 40
# Of an ordinal scale; the work of alpha grows with their cube.
_MOST_VALUES = 200


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing to score; `asks` tells the judge what it means."""

    name: str
    asks: str = ""

    def line(self) -> str:
        """The line of a prompt that names it."""
        return f"- {self.name}: {self.asks}" if self.asks else f"- {self.name}"


class BadCriteria(ValueError):
    """Criteria that no judge could be asked for; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The scores of a row by criterion: of each sample that could be read, in their order."""

    scores: Mapping[str, Sequence[float]]

    @property
    def overall(self) -> float:
        """The mean of the criteria's means."""
        return fmean(fmean(each) for each in self.scores.values())

    def facts(self) -> Mapping[str, str]:
        """The same as facts of a row."""
        told = {name: list(each) for name, each in self.scores.items()}
        return {SCORE: f"{self.overall:.4g}", SCORES: json.dumps(told)}


def judgement_of(facts: Mapping[str, str]) -> Judgement | None:
    """What `Judgement.facts` wrote, or None where there is no such thing."""
    told = facts.get(SCORES)
    return None if told is None else Judgement(json.loads(told))


def read_criteria(given: Sequence[str]) -> Sequence[Criterion]:
    """Criteria out of `name: what it asks` each; raises BadCriteria."""
    if len(given) > MOST_CRITERIA:
        raise BadCriteria(f"at most {MOST_CRITERIA} criteria, not {len(given)}")
    found = list(map(_criterion, given))
    if len({each.name.lower() for each in found}) < len(found):
        raise BadCriteria("each criterion is named once")
    return found


def _criterion(given: str) -> Criterion:
    if not given.isprintable():
        raise BadCriteria(f"criteria are printable, each in one line: {given[:80]!r} is not")
    name, _, asks = (part.strip() for part in given.partition(":"))
    if not 0 < len(name) <= MOST_NAME_CHARACTERS or '"' in name:
        told = f"from 1 to {MOST_NAME_CHARACTERS} characters, without a quote"
        raise BadCriteria(f"the name of a criterion has {told}: {name[:80]!r} does not fit")
    if name.lower() in RESERVED:
        raise BadCriteria(f"{name} means something else; call the criterion otherwise")
    return Criterion(name, asks)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well the samples of a judge agree under one criterion.

    `rows` have two samples or more; over their pairs `mean_difference` is the mean absolute
    difference, in points, and `exact` the share of equal scores, in [0, 1]. `alpha` is
    Krippendorff's for ordinal data, 1 for perfect agreement and 0 for chance; None where all
    scores are the same, so that chance cannot be told from agreement, and where there are so many
    different ones that they are no ordinal scale.
    """

    rows: int
    pairs: int
    mean_difference: float
    exact: float
    alpha: float | None


def agreement(units: Sequence[Sequence[float]]) -> Agreement | None:
    """The agreement over rows, each with its samples; None where no row has two."""
    paired = [unit for unit in units if len(unit) > 1]
    differences = [
        abs(one - other)
        for unit in paired
        for place, one in enumerate(unit)
        for other in unit[place + 1 :]
    ]
    if not differences:
        return None
    return Agreement(
        rows=len(paired),
        pairs=len(differences),
        mean_difference=fmean(differences),
        exact=sum(each == 0 for each in differences) / len(differences),
        alpha=ordinal_alpha(paired),
    )


def ordinal_alpha(units: Sequence[Sequence[float]]) -> float | None:
    """Krippendorff's alpha with the ordinal metric («Computing Krippendorff's
    Alpha-Reliability», 2011): 1 - (n - 1) · observed / expected disagreement over coincidences.
    """
    paired = [unit for unit in units if len(unit) > 1]
    values = sorted({value for unit in paired for value in unit})
    if len(values) > _MOST_VALUES:
        return None
    place = {value: at for at, value in enumerate(values)}
    coincidences = [[0.0] * len(values) for _ in values]
    for unit in paired:
        for one_at, one in enumerate(unit):
            for other_at, other in enumerate(unit):
                if one_at != other_at:
                    coincidences[place[one]][place[other]] += 1 / (len(unit) - 1)
    totals = [sum(row) for row in coincidences]
    observed = expected = 0.0
    for low in range(len(values)):
        for high in range(low + 1, len(values)):
            apart = (sum(totals[low : high + 1]) - (totals[low] + totals[high]) / 2) ** 2
            observed += coincidences[low][high] * apart
            expected += totals[low] * totals[high] * apart
    return 1 - (sum(totals) - 1) * observed / expected if expected else None


def edges(lowest: float, highest: float) -> Sequence[float]:
    """Edges of a histogram of scores: halves of a point where there are few, else twenty parts."""
    if not lowest < highest:
        return (lowest, lowest + 1)
    step = 0.5 if highest - lowest <= 10 else (highest - lowest) / 20
    count = math.ceil((highest - lowest) / step)
    return tuple(lowest + step * number for number in range(count + 1))
