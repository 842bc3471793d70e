"""The semantic rule: vectors, and which of them points most nearly where another does."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.domain.novelty import Nearest

Vector = NDArray[np.float32]

_FIRST_ROWS = 64
_BLOCK_ROWS = 1024
# A float32 dot product of n terms errs by at most about n * 2^-24 of the lengths' product; taken
# several times as wide, so that no row that might be the nearest is passed over.
_ERROR_PER_TERM = 4 * 2.0**-24


def unit(values: Sequence[float] | NDArray[np.floating]) -> Vector:
    """The vector of length 1 that points where `values` point; zeros stay zeros."""
    wide = np.array(values, np.float64)
    largest = float(np.abs(wide).max(initial=0.0))
    if largest == 0.0:
        return wide.astype(np.float32)
    wide /= largest  # so that squares neither overflow nor vanish
    return (wide / np.sqrt((wide * wide).sum())).astype(np.float32)


def cosine(first: Vector, second: Vector) -> float:
    """The cosine of the angle between two vectors, in [-1, 1]; 0.0 when one has no length."""
    return float(_cosines(first[np.newaxis, :], second)[0])


class VectorIndex:
    """Vectors made by `unit`, by position, and the question which is nearest to another.

    A row of zeros stands for a text that has no vector; its cosine with any other is 0.0. The
    answer is the one that `cosine` with every row gives. Not for several threads at once.
    """

    def __init__(self) -> None:
        self._rows = 0
        self._matrix: NDArray[np.float32] = np.zeros((0, 0), np.float32)

    def __len__(self) -> int:
        return self._rows

    @property
    def memory_bytes(self) -> int:
        """Bytes of the rows in use."""
        return self._rows * self._matrix.shape[1] * self._matrix.itemsize

    def add(self, vector: Vector | None) -> int:
        """Add a vector, or None for a row without one, and return its position.

        Raises ValueError for a vector of another size than those before it.
        """
        if vector is not None:
            self._fit(vector)
        if self._rows == self._matrix.shape[0]:
            self._grow()
        self._matrix[self._rows] = 0.0 if vector is None else vector
        self._rows += 1
        return self._rows - 1

    def nearest(self, vector: Vector) -> Nearest | None:
        """The row with the highest cosine, the earliest among equals; None without rows."""
        if not self._rows:
            return None
        self._fit(vector)
        rough = self._matrix[: self._rows] @ vector
        near = np.flatnonzero(rough >= rough.max() - 2 * _ERROR_PER_TERM * (vector.size + 2))
        best = Nearest(-1, -2.0)
        for start in range(0, near.size, _BLOCK_ROWS):
            rows = near[start : start + _BLOCK_ROWS]
            exact = _cosines(self._matrix[rows], vector)
            top = int(exact.argmax())
            if exact[top] > best.score:
                best = Nearest(int(rows[top]), float(exact[top]))
        return best

    def _fit(self, vector: Vector) -> None:
        """Take the size of the first vector; rows without one may stand before it."""
        size = self._matrix.shape[1]
        if vector.size == size:
            return
        if self._matrix[: self._rows].any():
            raise ValueError(f"a vector of {vector.size} numbers among some of {size}")
        self._matrix = np.zeros((max(_FIRST_ROWS, self._rows), vector.size), np.float32)

    def _grow(self) -> None:
        longer = np.zeros((max(_FIRST_ROWS, 2 * self._rows), self._matrix.shape[1]), np.float32)
        longer[: self._rows] = self._matrix[: self._rows]
        self._matrix = longer


def _cosines(rows: NDArray[np.float32], vector: Vector) -> NDArray[np.float64]:
    """Row by row in float64, each sum by itself, so that no other row can change a last bit."""
    wide, other = rows.astype(np.float64), vector.astype(np.float64)
    lengths = np.sqrt((wide * wide).sum(axis=1)) * np.sqrt((other * other).sum())
    products = (wide * other).sum(axis=1)
    found = np.divide(products, lengths, out=np.zeros(len(wide)), where=lengths > 0)
    return np.clip(found, -1.0, 1.0)
