"""Hashing and sorting of 64-bit words, for the compiled loops of the novelty index.

It has no cache of its own: after a change here touch novelty_kernels.py, by whose time numba keeps
the machine code.
"""

import numpy as np

from app.domain.novelty_arrays import Word, Words
from app.domain.novelty_compiling import inlined

THIRTY_TWO = np.uint64(32)
# odd constants of splitmix-like mixers; any would do, they only spread signatures over buckets
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
SPREAD = np.uint64(0xD6E8FEB86659FD93)


@inlined
def mixed(word: Word) -> Word:
    """Spread a word over all 64 bits."""
    word = (word ^ (word >> THIRTY_TWO)) * SPREAD
    word = (word ^ (word >> THIRTY_TWO)) * SPREAD
    return word ^ (word >> THIRTY_TWO)


@inlined
def hash_of(first: Word, second: Word) -> Word:
    """Hash a pair of elements, or one element with the salt of its kind."""
    return mixed(first * GOLDEN + second)


@inlined
def shell_sort(words: Words, size: int) -> None:
    """Sort the first `size` words in place."""
    gap = 1
    while gap < size // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, size):
            word = words[i]
            j = i
            while j >= gap and words[j - gap] > word:
                words[j] = words[j - gap]
                j -= gap
            words[j] = word
        gap //= 3
