"""The longest common subsequence of a candidate and a row, 64 cells at a time.

It has no cache of its own: after a change here touch novelty_kernels.py, by whose time numba keeps
the machine code.
"""

import numpy as np

from app.domain.novelty_arrays import Ids, Pool, Words
from app.domain.novelty_compiling import inlined, ones, whole

ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
ZERO = np.uint64(0)
ONE = np.uint64(1)


@inlined
def set_masks(pool: Pool, ids: Ids) -> Words:
    """Mark where each query token stands; past 64 tokens `masks` numbers rows of a table."""
    table = np.zeros((ids.size + 1, (ids.size + 63) // 64), np.uint64)
    count = ZERO
    for i in range(ids.size):
        if ids[i] < 0:
            continue
        bit = ONE << np.uint64(i & 63)
        if ids.size <= 64:
            pool.masks[ids[i]] |= bit
            continue
        if pool.masks[ids[i]] == ZERO:
            count += ONE
            pool.masks[ids[i]] = count
        table[whole(pool.masks[ids[i]]), i >> 6] |= bit
    return table


@inlined
def clear_masks(pool: Pool, ids: Ids) -> None:
    for token in ids:
        if token >= 0:
            pool.masks[token] = ZERO


@inlined
def long_lcs(tokens: Ids, masks: Words, table: Words) -> int:
    """As `lcs`, with the query over several words and a carry between them."""
    state = np.full(table.shape[1], ALL, np.uint64)
    for token in tokens:
        local = whole(masks[token])
        if local == 0:
            continue
        carry = ZERO
        for word in range(state.size):
            old = state[word]
            met = old & table[local, word]
            partial = old + met
            total = partial + carry
            carry = np.uint64(partial < old) | np.uint64(total < partial)
            state[word] = total | (old - met)
    common = 0
    for word in range(state.size):
        common += ones(~state[word])
    return common


@inlined
def lcs(tokens: Ids, masks: Words, table: Words) -> int:
    """LCS of a row and the query in `masks`, a word of 64 cells at a time (Hyyrö 2004)."""
    if table.shape[1] > 1:
        return long_lcs(tokens, masks, table)
    state = ALL
    for token in tokens:
        met = state & masks[token]
        state = (state + met) | (state - met)
    return ones(~state)
