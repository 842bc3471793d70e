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


def score(values: Sequence[float], *, confidence: float = 0.95, seed: int = 0) -> Score:
    """The mean of per-row scores in [0, 1] with its bootstrap interval; needs at least one row."""
    rows = np.asarray(values, dtype=np.float64)
    means = _resampled_means(rows, np.random.default_rng(seed))
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Score(
        n=len(rows),
        rouge_l=100 * float(rows.mean()),
        low=100 * float(low),
        high=100 * float(high),
        confidence=confidence,
    )


def _resampled_means(rows: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """Means of `RESAMPLES` samples of the rows, each as long as the rows, drawn with return."""
    at_once = max(1, _BLOCK // len(rows))
    means: list[NDArray[np.float64]] = []
    for begin in range(0, RESAMPLES, at_once):
        count = min(at_once, RESAMPLES - begin)
        drawn = random.integers(0, len(rows), size=(count, len(rows)))
        means.append(rows[drawn].mean(axis=1))
    return np.concatenate(means)
