"""The arrays a novelty index is made of, as its compiled loops take them.

After a change here touch novelty_kernels.py too: numba keeps its machine code by that file's time.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int32]
Wholes = NDArray[np.int64]
Words = NDArray[np.uint64]
Floats = NDArray[np.float64]
Word = Any  # np.uint64; numba needs every operand of a word's arithmetic to be one

# where `Pool.numbers` keeps what
ROWS, LONGEST, PAIRED, SHIFT, EPOCH, USED, INDEXED = 0, 1, 2, 3, 4, 5, 6


class Pool(NamedTuple):
    """An index's arrays; all but `numbers` are replaced by larger ones as they fill up."""

    numbers: Wholes  # see ROWS and its neighbours
    tokens: Ids  # token ids of all rows, end to end
    starts: Wholes  # (rows + 1,) where each row's tokens start
    bags: Words  # (rows,) one bit set for each of the row's tokens
    stamps: Ids  # (rows,) epoch << 8 | prefix matches counted for that query
    ranks: Ids  # (vocabulary,) global order of tokens, rare first
    masks: Words  # (vocabulary,) zero outside of a query
    buckets: Ids  # (buckets, 3) start, size and room of each bucket in `arena`
    arena: Words  # postings: row << 32 | hash tag << 16 | row length << 8 | position


class Query(NamedTuple):
    """A candidate, prepared; the arrays by row length end with an entry for all longer rows."""

    ids: Ids  # -1 for tokens that no row has
    elements: Words  # codes of its known (token, occurrence) elements in global order
    bag: Word
    needs: Wholes  # (row length,) least LCS whose score is above the threshold
    counts: Wholes  # (row length,) common elements that a signature shows
    rests: Wholes  # (kind, row length) common elements that must follow them


class Probes(NamedTuple):
    """A candidate's signatures and the buckets they lead to."""

    hashes: Words
    positions: Wholes  # of the signature's last element among the candidate's known ones
    kinds: Wholes
    begins: Wholes  # where the bucket starts in `arena`
    sizes: Wholes
