"""The nearest vector, held against a comparison with every row."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.domain.vectors import Vector, VectorIndex, cosine, unit

SIZE = 5
numbers = st.floats(-1e3, 1e3, width=32)
vectors = arrays(np.float64, SIZE, elements=numbers).map(unit)


def nearest_by_hand(rows: list[Vector], vector: Vector) -> tuple[int, float]:
    """The earliest among the best, each row looked at alone."""
    scores = [cosine(row, vector) for row in rows]
    best = max(scores)
    return scores.index(best), best


@settings(max_examples=300, deadline=None)
@given(st.lists(vectors, min_size=1, max_size=40), st.data())
def test_finds_what_a_look_at_every_row_finds(rows: list[Vector], data: st.DataObject) -> None:
    index = VectorIndex()
    for row in rows:
        index.add(row)
    again = data.draw(st.one_of(vectors, st.sampled_from(rows)))
    found = index.nearest(again)
    assert found is not None
    assert (found.position, found.score) == nearest_by_hand(rows, again)


def test_the_same_at_any_size_and_among_near_equals() -> None:
    rng = np.random.default_rng(3)
    base = rng.normal(size=64)
    rows = [unit(base + rng.normal(size=64) * 1e-6) for _ in range(3000)]
    index = VectorIndex()
    for number, row in enumerate(rows):
        if number and number % 500 == 0:
            wanted = unit(base)
            found = index.nearest(wanted)
            assert found is not None
            assert (found.position, found.score) == nearest_by_hand(rows[:number], wanted)
        index.add(row)
    assert len(index) == 3000
    assert index.memory_bytes == 3000 * 64 * 4


def exact_cosine(first: Vector, second: Vector) -> float:
    pairs = [(Fraction(float(a)), Fraction(float(b))) for a, b in zip(first, second, strict=True)]
    dot = sum(a * b for a, b in pairs)
    lengths = math.sqrt(sum(a * a for a, _ in pairs)) * math.sqrt(sum(b * b for _, b in pairs))
    return float(dot) / lengths


@settings(max_examples=100, deadline=None)
@given(vectors, vectors)
def test_a_cosine_is_right_to_fifteen_digits(first: Vector, second: Vector) -> None:
    if first.any() and second.any():
        assert cosine(first, second) == pytest.approx(exact_cosine(first, second), abs=1e-15)
    else:
        assert cosine(first, second) == 0.0


@pytest.mark.parametrize("values", [[1e300, 1e300], [1e-300, 1e-300], [3.0, 3.0]])
def test_neither_huge_nor_tiny_numbers_are_lost(values: list[float]) -> None:
    assert unit(values).tolist() == pytest.approx([0.70710677, 0.70710677])


def test_a_row_without_a_vector_is_like_nothing() -> None:
    index = VectorIndex()
    assert index.nearest(unit([1.0, 0.0])) is None
    assert [index.add(None), index.add(unit([0.0, 1.0])), index.add(None)] == [0, 1, 2]
    found = index.nearest(unit([1.0, 1.0]))
    assert found is not None
    assert found.position == 1
    assert index.nearest(unit([-1.0, -1.0])) is not None


def test_vectors_of_two_sizes_do_not_mix() -> None:
    index = VectorIndex()
    index.add(unit([1.0, 2.0]))
    with pytest.raises(ValueError, match="3 numbers among some of 2"):
        index.add(unit([1.0, 2.0, 3.0]))
    with pytest.raises(ValueError, match="3 numbers among some of 2"):
        index.nearest(unit([1.0, 2.0, 3.0]))


def test_of_many_equal_rows_the_first_is_named() -> None:
    index = VectorIndex()
    for _ in range(2500):
        index.add(unit([1.0, 2.0, 3.0]))
    found = index.nearest(unit([1.0, 2.0, 3.1]))
    assert found is not None
    assert found.position == 0
