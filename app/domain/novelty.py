"""The novelty rule: an exact index that finds the row too near, by ROUGE-L, to a candidate."""

import importlib
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.domain.tokens import Tokens, tokenizer

_BLOCK = 4096  # rows that `extend` cuts into tokens before it stores them
_FIRST_BUILD = 256  # rows at which an index is first laid out anew; then at every doubling
_POSTINGS_PER_BUCKET = 8
_STREAM_BLOCK = 1024
_MOST_POSTINGS = 2**31 - 1
_ID_BYTES = 32  # an int object


@dataclass(frozen=True, slots=True)
class Nearest:
    """A row of an index, by its position (0-based, in order of addition), and its score."""

    position: int
    score: float


class _Vocabulary(dict[str, int]):
    """Token ids in order of appearance; -1 for a token that no row has."""

    def __missing__(self, token: str) -> int:
        return -1


class NoveltyIndex:
    """Rows, and the question whether a text is too near to one of them.

    A score is rouge-score's ROUGE-L F-measure of the two texts, the same float. A text is a
    duplicate when its score with some row is above `threshold` (0 to 1, compared as floats).
    Exact at every size; docs/novelty.md says how. Not for use by several threads at once.
    """

    def __init__(self, *, tokens: Tokens = Tokens.ROUGE, threshold: float = 0.7) -> None:
        """Raise ValueError for a threshold outside [0, 1]."""
        if not 0 <= threshold <= 1:
            raise ValueError(f"threshold must be from 0 to 1, not {threshold}")
        self._cut = tokenizer(tokens)
        self._threshold = float(threshold)
        self._kernels = _kernels()
        self._vocabulary = _Vocabulary()
        self._vocabulary_bytes = 0
        self._rows = 0
        self._built = 0  # rows when postings were last laid out
        self._recent: tuple[str, list[str], NDArray[np.int32]] | None = None
        self._pool = _empty_pool(self._kernels, self._threshold)

    def __len__(self) -> int:
        return self._rows

    def add(self, text: str) -> int:
        """Add a row and return its position."""
        words, ids = self._cut_into_ids(text)
        if ids.size and ids.min() < 0:
            self._learn(words)
            ids = self._ids(words)
        self._recent = None
        self._make_room(1, ids.size)
        self._kernels.store(self._pool, ids, np.array([ids.size]), self._threshold)
        self._rows += 1
        self._index()
        return self._rows - 1

    def extend(self, texts: Iterable[str]) -> None:
        """Add many rows; several times faster a row than `add`."""
        try:
            for _, ids, lengths in self._blocks(texts, _BLOCK):
                self._make_room(lengths.size, ids.size)
                self._kernels.append(self._pool, ids, lengths)
                self._rows += lengths.size
        finally:
            self._index()

    def filter_stream(self, texts: Iterable[str]) -> Iterator[Nearest | None]:
        """Check each text against all rows and add it if it is novel; yield what it duplicates.

        The same decisions as `duplicate_of` and `add` in turn, in two thirds of the time. Reads
        up to 1,024 texts ahead.
        """
        for block, ids, lengths in self._blocks(texts, _STREAM_BLOCK):
            rows = np.empty(len(block), np.int64)
            scores = np.empty(len(block))
            done = 0
            while done < len(block):
                done += self._admit(ids, lengths, rows, scores, done)
            yield from (
                Nearest(row, score) if row >= 0 else None
                for row, score in zip(rows.tolist(), scores.tolist(), strict=True)
            )

    def duplicate_of(self, text: str, *, since: int = 0) -> Nearest | None:
        """Return the best row above the threshold, or None for a novel text.

        Looks at positions from `since` on; the earliest row wins among equal scores.
        """
        _, ids = self._cut_into_ids(text)
        row, score = self._kernels.find(self._pool, ids, max(0, since), self._threshold)
        return Nearest(row, score) if row >= 0 else None

    def nearest(self, text: str, *, since: int = 0) -> Nearest | None:
        """Return the best row from `since` on whatever its score, or None if there is no row.

        The earliest row wins among equal scores, 0.0 included. Costs one pass over all rows
        when no row is above the threshold.
        """
        since = max(0, since)
        if since >= self._rows:
            return None
        duplicate = self.duplicate_of(text, since=since)
        if duplicate:
            return duplicate
        _, ids = self._cut_into_ids(text)
        return Nearest(*self._kernels.scan(self._pool, ids, since))

    def scores(self, text: str) -> NDArray[np.float64]:
        """Return the float64 score against every row, by position."""
        _, ids = self._cut_into_ids(text)
        scores = np.zeros(self._rows)
        self._kernels.score_all(self._pool, ids, scores)
        return scores

    @property
    def memory_bytes(self) -> int:
        """Bytes in use, an estimate for the vocabulary included; room kept for growth is not."""
        pool, rows = self._pool, self._rows
        size = int(pool.starts[rows])
        used = int(pool.numbers[self._kernels.USED])
        words = len(self._vocabulary)
        return (
            4 * size
            + rows * (pool.starts.itemsize + pool.bags.itemsize + pool.stamps.itemsize)
            + pool.buckets.nbytes
            + used * pool.arena.itemsize
            + words * (pool.ranks.itemsize + pool.masks.itemsize)
            + sys.getsizeof(self._vocabulary)
            + self._vocabulary_bytes
        )

    def _ids(self, words: list[str]) -> NDArray[np.int32]:
        return np.array(list(map(self._vocabulary.__getitem__, words)), np.int32)

    def _cut_into_ids(self, text: str) -> tuple[list[str], NDArray[np.int32]]:
        """Return the text's tokens and their ids, kept for the `add` that follows a check."""
        recent = self._recent
        if recent and recent[0] == text:
            return recent[1], recent[2]
        words = self._cut(text)
        ids = self._ids(words)
        self._recent = text, words, ids
        return words, ids

    def _blocks(
        self, texts: Iterable[str], size: int
    ) -> Iterator[tuple[list[list[str]], NDArray[np.int32], NDArray[np.int64]]]:
        """Cut texts, block by block; yield tokens, ids end to end and lengths, all tokens known."""
        remaining = iter(texts)
        while block := [self._cut(text) for text in islice(remaining, size)]:
            words = list(chain.from_iterable(block))
            self._learn(words)
            self._recent = None
            yield block, self._ids(words), np.array([len(row) for row in block], np.int64)

    def _learn(self, words: list[str]) -> None:
        """Give each new token the next id, and the arrays by id room for it."""
        vocabulary = self._vocabulary
        for word in words:
            if word not in vocabulary:
                vocabulary[word] = len(vocabulary)
                self._vocabulary_bytes += sys.getsizeof(word) + _ID_BYTES
        size = len(vocabulary)
        if size > self._pool.ranks.size:
            ranks = _unseen_ranks(2 * size)
            ranks[: self._pool.ranks.size] = self._pool.ranks
            self._pool = self._pool._replace(ranks=ranks, masks=np.zeros(2 * size, np.uint64))

    def _admit(
        self,
        ids: NDArray[np.int32],
        lengths: NDArray[np.int64],
        rows: NDArray[np.int64],
        scores: NDArray[np.float64],
        done: int,
    ) -> int:
        """Decide on as many texts of a block as there is room for; return how many."""
        size = int(lengths[:done].sum())
        self._make_room(lengths.size - done, ids.size - size)
        most = max(_FIRST_BUILD, 2 * self._built)
        pool = self._pool
        decided = self._kernels.admit(
            pool, ids[size:], lengths[done:], most, self._threshold, rows[done:], scores[done:]
        )
        self._rows = int(pool.numbers[self._kernels.ROWS])
        self._index()
        return decided

    def _make_room(self, rows: int, size: int) -> None:
        """Give the arrays by row room for so many more rows and tokens."""
        pool = self._pool
        rows += self._rows
        size += int(pool.starts[self._rows])
        if size > pool.tokens.size:
            pool = pool._replace(tokens=_grown(pool.tokens, 2 * size))
        if rows > pool.bags.size:
            pool = pool._replace(
                starts=_grown(pool.starts, 2 * rows + 1),
                bags=_grown(pool.bags, 2 * rows),
                stamps=_grown(pool.stamps, 2 * rows),
            )
        self._pool = pool

    def _index(self) -> None:
        """Index the rows that are not yet."""
        if self._rows >= max(_FIRST_BUILD, 2 * self._built):
            self._build()
        numbers, indexed = self._pool.numbers, self._kernels.INDEXED
        while numbers[indexed] < self._rows:
            self._kernels.insert(self._pool, self._threshold)
            if numbers[indexed] < self._rows:
                size = _arena_size(self._pool.arena.size + 1, 2)
                self._pool = self._pool._replace(arena=_grown(self._pool.arena, size))

    def _build(self) -> None:
        """Order tokens by today's frequencies and lay out the postings anew."""
        kernels, threshold = self._kernels, self._threshold
        paired = int(self._pool.numbers[kernels.PAIRED])
        starts = self._pool.starts[: self._rows + 1]
        tokens = self._pool.tokens[: starts[-1]]
        counts = np.bincount(tokens, minlength=len(self._vocabulary))
        ranks = _unseen_ranks(self._pool.ranks.size)
        ranks[np.argsort(counts, kind="stable")] = np.arange(counts.size, dtype=np.int32)
        nothing = np.zeros((1, 3), np.int32)  # frees the old arrays before the new are made
        self._pool = self._pool._replace(ranks=ranks, buckets=nothing, arena=np.zeros(1, np.uint64))
        postings = kernels.count_postings(np.bincount(np.diff(starts)), threshold, paired)
        bits = max(8, (postings // _POSTINGS_PER_BUCKET).bit_length())
        self._pool.numbers[kernels.SHIFT] = 64 - bits
        self._pool = self._pool._replace(
            buckets=np.zeros((1 << bits, 3), np.int32),
            arena=np.empty(_arena_size(postings, 3), np.uint64),
        )
        kernels.build(self._pool, threshold)
        self._built = self._rows


@cache
def _kernels() -> Any:
    """Load numba and the compiled loops with the first index, not at import: it takes a second."""
    return importlib.import_module("app.domain.novelty_kernels")


def _empty_pool(kernels: Any, threshold: float) -> Any:
    numbers = np.zeros(8, np.int64)
    numbers[kernels.PAIRED] = kernels.longest_paired(threshold)
    numbers[kernels.SHIFT] = 64 - 8
    return kernels.Pool(
        numbers=numbers,
        tokens=np.zeros(_FIRST_BUILD, np.int32),
        starts=np.zeros(_FIRST_BUILD + 1, np.int64),
        bags=np.zeros(_FIRST_BUILD, np.uint64),
        stamps=np.zeros(_FIRST_BUILD, np.int32),
        ranks=_unseen_ranks(_FIRST_BUILD),
        masks=np.zeros(_FIRST_BUILD, np.uint64),
        buckets=np.zeros((1 << 8, 3), np.int32),
        arena=np.empty(_BLOCK, np.uint64),
    )


def _arena_size(postings: int, times: int) -> int:
    """Room for these postings and growth; raise OverflowError past what a bucket can point at."""
    if postings > _MOST_POSTINGS:
        raise OverflowError(f"an index holds at most {_MOST_POSTINGS} postings")
    return min(times * postings + _BLOCK, _MOST_POSTINGS)


def _unseen_ranks(size: int) -> NDArray[np.int32]:
    """Rank tokens that come after the last build as rarer than all others, newest first."""
    return -1 - np.arange(size, dtype=np.int32)


def _grown(array: NDArray[Any], size: int) -> NDArray[Any]:
    """Copy an array to the front of a longer one; what is not written takes no memory."""
    longer = np.empty(size, array.dtype)
    longer[: array.size] = array
    return longer
