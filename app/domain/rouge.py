"""ROUGE-L between two token sequences, as rouge-score computes it."""

from collections.abc import Sequence

from rapidfuzz.distance import LCSseq


def rouge_l(first: Sequence[str], second: Sequence[str]) -> float:
    """Return the ROUGE-L F-measure in [0, 1], the same float as rouge-score 0.1.2.

    It is the harmonic mean of LCS/len(second) and LCS/len(first); 0.0 when the two share nothing
    or a side is empty. Symmetric. (Lin 2004, "ROUGE: a package for automatic evaluation".)
    """
    if not first or not second:
        return 0.0
    return f_measure(LCSseq.similarity(first, second), len(first), len(second))


def f_measure(common: int, first_length: int, second_length: int) -> float:
    """Return F of a common subsequence length, with rouge-score's order of float operations."""
    if common == 0:
        return 0.0
    precision = common / second_length
    recall = common / first_length
    return 2 * precision * recall / (precision + recall)
