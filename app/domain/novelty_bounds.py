"""How much a row and a candidate must have in common to score above a threshold.

It has no cache of its own: after a change here touch novelty_kernels.py, by whose time numba keeps
the machine code.
"""

from app.domain.novelty_compiling import inlined

INFEASIBLE = 1 << 30  # no common subsequence is long enough
MOST_COUNTED = 250  # the count of matches shares an int32 stamp with the query's number


@inlined
def f_measure(common: int, row_length: int, length: int) -> float:
    """rouge-score's floats, in its order; `common` is at least 1."""
    precision = common / row_length
    recall = common / length
    return 2 * precision * recall / (precision + recall)


@inlined
def needed(row_length: int, length: int, threshold: float) -> int:
    """Least common subsequence with an F-measure above the threshold, or INFEASIBLE."""
    common = max(1, int(threshold * (row_length + length) * 0.5) - 1)
    most = min(row_length, length)
    while common <= most:
        if f_measure(common, row_length, length) > threshold:
            return common
        common += 1
    return INFEASIBLE


@inlined
def least_needed(row_length: int, threshold: float) -> int:
    """Minimum of `needed` over all lengths; that of the shortest feasible, as it never falls."""
    for length in range(max(1, int(threshold * row_length / (2 - threshold)) - 1), row_length + 1):
        common = needed(row_length, length, threshold)
        if common != INFEASIBLE:
            return common
    return INFEASIBLE


@inlined
def counted_matches(row_length: int, threshold: float) -> int:
    """Prefix matches that a counted row must show; never more than it needs in common."""
    return max(1, min(row_length >> 3, least_needed(row_length, threshold), MOST_COUNTED))


@inlined
def pair_prefix(row_length: int, threshold: float) -> int:
    """Elements, in global order, among which a row's first two common ones must be."""
    return min(row_length, row_length - max(2, least_needed(row_length, threshold)) + 2)
