"""The share of a dataset that is sound, estimated from a sample that people judged.

The interval is Wilson's (1927, JASA 22, 209-212), which Brown, Cai and DasGupta (2001, Statistical
Science 16, 101-133) recommend for few rows and shares near 0 or 1. The sample is drawn without
return, so the variance shrinks by the finite population correction (N - n) / (N - 1) (Cochran 1977,
Sampling Techniques, section 3.2): where all rows were judged, nothing is left to chance.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class ValidShare:
    """`valid` of `judged` rows, drawn from `population`; shares lie in [0, 1].

    `share` is None before the first row was judged; the interval is then all that is possible.
    """

    valid: int
    judged: int
    population: int
    share: float | None
    low: float
    high: float
    confidence: float = CONFIDENCE


def valid_share(
    valid: int, judged: int, population: int, confidence: float = CONFIDENCE
) -> ValidShare:
    """The estimate; 0 <= valid <= judged <= population."""
    if not judged:
        return ValidShare(0, 0, population, None, 0.0, 1.0, confidence)
    low, high = _wilson(valid, judged, population, confidence)
    # What was seen is certain: so many rows are sound, and so many are not.
    least, most = valid / population, (population - judged + valid) / population
    low, high = max(low, least), min(high, most)
    return ValidShare(valid, judged, population, valid / judged, low, high, confidence)


def _wilson(valid: int, judged: int, population: int, confidence: float) -> tuple[float, float]:
    correction = (population - judged) / (population - 1) if population > 1 else 0.0
    squared = NormalDist().inv_cdf(0.5 + confidence / 2) ** 2 * correction
    centre = valid + squared / 2
    spread = math.sqrt(squared * (valid * (judged - valid) / judged + squared / 4))
    return (centre - spread) / (judged + squared), (centre + spread) / (judged + squared)
