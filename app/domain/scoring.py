"""How good answers are: mean ROUGE-L against references, with the interval that chance leaves.

Self-Instruct (Wang et al. 2023, arXiv:2212.10560) compares models by ROUGE-L on held-out tasks; the
interval is Efron's percentile bootstrap over the rows (Efron 1979).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.domain.rouge import rouge_l
from app.domain.tokens import rouge_tokens

RESAMPLES = 10_000
_BLOCK = 2_000_000  # drawn indices held at a time, so that memory does not grow with the rows


@dataclass(frozen=True, slots=True)
class Score:
    """Mean ROUGE-L F of `n` answers and the ends of its interval, all times 100."""

    n: int
    rouge_l: float
    low: float
    high: float
    confidence: float


def answer_score(response: str, target: str) -> float:
    """ROUGE-L F in [0, 1] of one whole response: rouge-score's default tokens, no stemmer."""
    return rouge_l(rouge_tokens(target), rouge_tokens(response))


@dataclass(frozen=True, slots=True)
class Gain:
    """By how much the second of `n` pairs is above the first on average, with its interval."""

    n: int
    mean: float
    low: float
    high: float
    confidence: float


def score(values: Sequence[float], *, confidence: float = 0.95, seed: int = 0) -> Score:
    """The mean of per-row scores in [0, 1] with its bootstrap interval; needs at least one row."""
    found = gain([0.0] * len(values), values, confidence=confidence, seed=seed)
    return Score(
        n=found.n,
        rouge_l=100 * found.mean,
        low=100 * found.low,
        high=100 * found.high,
        confidence=confidence,
    )


def gain(
    first: Sequence[float],
    second: Sequence[float],
    weights: Sequence[float] | None = None,
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> Gain:
    """The mean of `second - first` with the interval of a paired bootstrap, in their own unit.

    Rows are drawn whole, so what makes a row hard for both does not widen the interval. With
    `weights` both are sums over a row and the mean is that of all sums over all weights, such as
    nats a token. Needs at least one row.
    """
    rows = np.asarray(second, dtype=np.float64) - np.asarray(first, dtype=np.float64)
    each = np.ones(len(rows)) if weights is None else np.asarray(weights, dtype=np.float64)
    means = _resampled_means(rows, each, np.random.default_rng(seed))
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    mean = rows.sum() / each.sum()
    return Gain(len(rows), float(mean), float(low), float(high), confidence)


def _resampled_means(
    rows: NDArray[np.float64], weights: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.float64]:
    """Means of `RESAMPLES` samples of the rows, each as long as the rows, drawn with return."""
    at_once = max(1, _BLOCK // len(rows))
    means: list[NDArray[np.float64]] = []
    for begin in range(0, RESAMPLES, at_once):
        count = min(at_once, RESAMPLES - begin)
        drawn = random.integers(0, len(rows), size=(count, len(rows)))
        means.append(rows[drawn].sum(axis=1) / weights[drawn].sum(axis=1))
    return np.concatenate(means)
