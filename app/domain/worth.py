"""Was the data worth it: the same recipe on more and more of the rows, and beside them on others.

Self-Instruct (Wang et al. 2023, arXiv:2212.10560, section 5.5) shows quality against the number of
rows; between measured sizes the loss is taken to fall by a constant for each factor in rows (Kaplan
et al. 2020, arXiv:2001.08361, find a power law, of which this is the tangent).
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from app.errors import Problem

NEXT_ROWS = 1000
MOST_SHARES, MOST_REPEATS = 10, 100


class Source(StrEnum):
    """Which rows an arm learns from."""

    ROWS = "rows"
    SEEDS = "seeds"
    POOL = "pool"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorthPlan:
    """What a worth curve is made of: shares in (0, 1] of the rows, each with so many random seeds.

    `seeds` and `pool`: also on the seeds alone, and on rows before any filter, where there are any.
    """

    shares: tuple[float, ...] = (0.1, 0.3, 1.0)
    repeats: int = 3
    seeds: bool = True
    pool: bool = True

    def problems(self) -> Sequence[Problem]:
        """What is out of range, by place."""
        found: list[Problem] = []
        count, fit = len(self.shares), all(0 < each <= 1 for each in self.shares)
        if not (fit and 0 < count <= MOST_SHARES):
            told = f"{MOST_SHARES} numbers at most, each above 0 and up to 1, such as 0.1,0.3,1"
            found.append(Problem("/shares", "out_of_range", f"must be {told}"))
        if not 1 <= self.repeats <= MOST_REPEATS:
            told = f"must be from 1 to {MOST_REPEATS}"
            found.append(Problem("/repeats", "out_of_range", told))
        return found

    def as_json(self) -> Mapping[str, object]:
        """The plan as it is stored; each share once, the smallest first."""
        return {**asdict(self), "shares": sorted(set(self.shares))}


def stored_plan(stored: Mapping[str, Any]) -> WorthPlan:
    """The plan that `as_json` made."""
    return WorthPlan(
        shares=tuple(stored["shares"]),
        repeats=stored["repeats"],
        seeds=stored["seeds"],
        pool=stored["pool"],
    )


@dataclass(frozen=True, slots=True)
class Arm:
    """One training run: a share in (0, 1] of the rows of a source, drawn and trained by a seed."""

    source: Source
    share: float
    repeat: int

    @property
    def name(self) -> str:
        """Its folder."""
        return f"{self.source}-{100 * self.share:g}-{self.repeat}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an arm came to: losses in nats a token, ROUGE-L times 100, None where not measured."""

    arm: Arm
    rows: int
    base_loss: float
    loss: float
    neutral_loss: float
    rouge_l: float | None

    def as_json(self) -> Mapping[str, object]:
        """The outcome as a point of worth.json."""
        return {
            "source": self.arm.source,
            "share": self.arm.share,
            "repeat": self.arm.repeat,
            "rows": self.rows,
            "loss": self.loss,
            "neutral_loss": self.neutral_loss,
            "rouge_l": self.rouge_l,
        }


def outcomes_of(result: Mapping[str, Any]) -> Sequence[Outcome]:
    """The outcomes that a worth.json tells of."""
    return [
        Outcome(
            Arm(Source(each["source"]), each["share"], each["repeat"]),
            rows=each["rows"],
            base_loss=result["base_loss"],
            loss=each["loss"],
            neutral_loss=each["neutral_loss"],
            rouge_l=each["rouge_l"],
        )
        for each in result["points"]
    ]


@dataclass(frozen=True, slots=True)
class Mean:
    """Equal arms taken together: the mean loss, and the lowest and highest of `n` repeats."""

    source: Source
    rows: int
    loss: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Next:
    """What so many more rows would change in the loss, and the range of that over the repeats."""

    rows: int
    more: int
    change: float
    low: float
    high: float


def arms(shares: Sequence[float], repeats: int, *, seeds: bool, pool: bool) -> Sequence[Arm]:
    """Every arm; each repeat is a whole curve, so that the first is there early."""
    others = [*([Source.SEEDS] if seeds else []), *([Source.POOL] if pool else [])]
    return [
        arm
        for repeat in range(repeats)
        for arm in (
            *(Arm(Source.ROWS, share, repeat) for share in sorted(shares)),
            *(Arm(source, 1.0, repeat) for source in others),
        )
    ]


def drawn(ids: Sequence[str], count: int, repeat: int) -> frozenset[str]:
    """So many of the ids, by a hash of each; in one repeat the fewer are among the more."""
    ranked = sorted(ids, key=lambda each: hashlib.sha256(f"{repeat}:{each}".encode()).digest())
    return frozenset(ranked[:count])


def means(outcomes: Sequence[Outcome]) -> Sequence[Mean]:
    """Outcomes of equal source and share taken together, by source and rows."""
    together: dict[tuple[Source, float], list[Outcome]] = {}
    for each in outcomes:
        together.setdefault((each.arm.source, each.arm.share), []).append(each)
    found = [_mean(source, each) for (source, _), each in together.items()]
    return sorted(found, key=lambda each: (list(Source).index(each.source), each.rows))


def _mean(source: Source, outcomes: Sequence[Outcome]) -> Mean:
    losses = [each.loss for each in outcomes]
    return Mean(
        source,
        rows=round(sum(each.rows for each in outcomes) / len(outcomes)),
        loss=sum(losses) / len(losses),
        low=min(losses),
        high=max(losses),
        n=len(losses),
    )


def next_rows(outcomes: Sequence[Outcome], more: int = NEXT_ROWS) -> Next | None:
    """What `more` rows above all of them would change; None where fewer than two sizes ran."""
    curated = [each for each in outcomes if each.arm.source is Source.ROWS]
    slope = _slope(curated)
    if slope is None:
        return None
    rows = max(each.rows for each in curated)
    step = math.log((rows + more) / rows)
    repeats = {each.arm.repeat for each in curated}
    slopes = [_slope([e for e in curated if e.arm.repeat == repeat]) for repeat in repeats]
    known = [each * step for each in slopes if each is not None]
    changes = known or [slope * step]
    return Next(rows, more, slope * step, min(changes), max(changes))


def _slope(outcomes: Sequence[Outcome]) -> float | None:
    """Nats by which the loss changes for each factor e in rows, by least squares."""
    sizes = [math.log(each.rows) for each in outcomes]
    if len(set(sizes)) < 2:
        return None
    return float(np.polyfit(sizes, [each.loss for each in outcomes], 1)[0])
