"""Compiled loops of the novelty index: bit-parallel LCS and the scan over all rows."""

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def compiled(kernel: Kernel) -> Kernel:
    """Compile on first call, keeping the machine code on disk where a place for it can be written."""
    try:
        return cast(Kernel, numba.njit(cache=True)(kernel))
    except RuntimeError:  # numba found no writable directory for its cache
        return cast(Kernel, numba.njit(kernel))


@compiled
def fill_scores(tokens, starts, rows, query, masks, scores):  # type: ignore
    words = (query.size + 63) // 64
    state = np.empty(words, np.uint64)
    full = np.uint64(0xFFFFFFFFFFFFFFFF)
    zero = np.uint64(0)
    one = np.uint64(1)
    n = query.size
    table = np.zeros((n + 1, words), np.uint64)
    count = 0
    for i in range(n):
        token = query[i]
        if masks[token] == 0:
            count += 1
            masks[token] = count
        table[masks[token], i >> 6] |= one << np.uint64(i & 63)
    for row in range(rows):
        m = starts[row + 1] - starts[row]
        scores[row] = 0.0
        if m == 0 or n == 0:
            continue
        for word in range(words):
            state[word] = full
        for at in range(starts[row], starts[row + 1]):
            local = masks[tokens[at]]
            if local == 0:
                continue
            carry = zero
            for word in range(words):
                v = state[word]
                u = v & table[local, word]
                s = v + u
                c = np.uint64(s < v)
                s2 = s + carry
                c |= np.uint64(s2 < s)
                state[word] = s2 | (v - u)
                carry = c
        common = 0
        for i in range(n):
            if (state[i >> 6] >> np.uint64(i & 63)) & one == zero:
                common += 1
        if common:
            p = common / m
            r = common / n
            scores[row] = 2 * p * r / (p + r)
    for i in range(n):
        masks[query[i]] = 0
