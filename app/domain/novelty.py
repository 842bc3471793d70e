"""The novelty rule: an exact index that finds rows too near, by ROUGE-L, to a candidate."""

import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from app.domain.tokens import Tokens, tokenizer


@dataclass(frozen=True, slots=True)
class Nearest:
    """A row of the index and its score; position counts from 0 in order of addition."""

    position: int
    score: float


@cache
def _kernels() -> Any:
    """Load numba and the compiled loops when an index is first asked, not at import."""
    return importlib.import_module("app.domain.novelty_kernels")


class NoveltyIndex:
    def __init__(self, *, tokens: Tokens = Tokens.ROUGE, threshold: float = 0.7) -> None:
        self._cut = tokenizer(tokens)
        self._threshold = threshold
        self._ids: dict[str, int] = {}
        self._tokens = np.zeros(1024, np.int32)
        self._starts = np.zeros(1025, np.int64)
        self._masks = np.zeros(1024, np.int32)
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    def _query(self, text: str) -> np.ndarray:
        ids = self._ids
        query = np.array([ids.setdefault(t, len(ids)) for t in self._cut(text)], np.int32)
        if len(ids) > self._masks.size:
            self._masks = np.zeros(2 * len(ids), np.int32)
        return query

    def add(self, text: str) -> int:
        query = self._query(text)
        end = int(self._starts[self._rows]) + query.size
        if end > self._tokens.size:
            self._tokens = np.concatenate([self._tokens, np.zeros(end, np.int32)])
        if self._rows + 2 > self._starts.size:
            self._starts = np.concatenate([self._starts, np.zeros(self._rows, np.int64)])
        self._tokens[end - query.size : end] = query
        self._rows += 1
        self._starts[self._rows] = end
        return self._rows - 1

    def extend(self, texts: Iterable[str]) -> None:
        for text in texts:
            self.add(text)

    def scores(self, text: str) -> np.ndarray:
        """Return the float64 score against every row, by position."""
        scores = np.zeros(self._rows)
        query = self._query(text)
        _kernels().fill_scores(self._tokens, self._starts, self._rows, query, self._masks, scores)
        return scores

    def nearest(self, text: str, *, since: int = 0) -> Nearest | None:
        scores = self.scores(text)[since:]
        if not scores.size:
            return None
        best = int(scores.argmax())
        return Nearest(since + best, float(scores[best]))

    def duplicate_of(self, text: str, *, since: int = 0) -> Nearest | None:
        """Return the best row scoring above the threshold, the earliest among equals, or None."""
        nearest = self.nearest(text, since=since)
        return nearest if nearest and nearest.score > self._threshold else None

    @property
    def memory_bytes(self) -> int:
        return self._tokens.nbytes + self._starts.nbytes + self._masks.nbytes
