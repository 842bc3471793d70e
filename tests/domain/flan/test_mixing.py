"""Sizes of a mixture: shares, caps, and what cannot be given."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.domain.flan.mixing import MixSettings, Rates, TaskSize, apportioned, quotas, task_weight


def task(name: str, rows: int, collection: str = "", templates: int = 1) -> TaskSize:
    by_template = {f"t{n}": rows // templates for n in range(templates)}
    return TaskSize(name, collection or name, by_template)


@given(
    some.integers(0, 10_000),
    some.lists(some.tuples(some.floats(0, 50), some.integers(0, 3000)), min_size=1, max_size=12),
)
def test_whole_shares_sum_up_and_stay_below_their_limits(
    total: int, given_: list[tuple[float, int]]
) -> None:
    weights, limits = [w for w, _ in given_], [limit for _, limit in given_]
    found = apportioned(total, weights, limits)
    assert all(0 <= count <= limit for count, limit in zip(found, limits, strict=True))
    assert all(not count for count, weight in zip(found, weights, strict=True) if not weight)
    reachable = sum(limit for weight, limit in given_ if weight > 0)
    assert sum(found) == min(total, reachable)


def test_shares_are_those_of_the_weights() -> None:
    """The rates of Flan's own example, to a whole row."""
    rates = {"flan": 0.40, "t0": 0.32, "niv2": 0.20, "cot": 0.05, "dialog": 0.03}
    tasks = [task(name, 1_000_000) for name in rates]
    assert quotas(tasks, MixSettings(rows=10_000, weights=rates)) == [4000, 3200, 2000, 500, 300]


def test_without_a_number_of_rows_the_shares_still_hold() -> None:
    tasks = [task("a", 900), task("b", 100)]
    assert quotas(tasks, MixSettings(weights={"a": 1, "b": 1})) == [100, 100]
    assert quotas(tasks, MixSettings()) == [900, 100]


def test_a_collection_that_runs_out_is_filled_up_by_others() -> None:
    tasks = [task("a", 900), task("b", 100)]
    assert quotas(tasks, MixSettings(rows=600, weights={"a": 1, "b": 1})) == [500, 100]


@pytest.mark.parametrize("rows", [None, 100, 5000, 10**9])
def test_caps_are_never_passed(rows: int | None) -> None:
    tasks = [task("a", 80_000, "flan"), task("b", 400, "flan"), task("c", 90_000, "cot")]
    caps = {"flan": 30_000, "": 20_000, "b": 100}
    for weights in (None, {"flan": 0.9, "cot": 0.1}):
        found = quotas(tasks, MixSettings(rows=rows, caps=caps, weights=weights))
        assert all(n <= cap for n, cap in zip(found, (30_000, 100, 20_000), strict=True))


def test_rates_in_proportion_to_size_have_a_maximum() -> None:
    tasks = [task("small", 1000), task("large", 90_000), task("larger", 900_000)]
    found = quotas(tasks, MixSettings(rows=700))
    assert found == [100, 300, 300]
    assert quotas(tasks, MixSettings(rows=300, rates=Rates.EQUAL)) == [100, 100, 100]
    even = quotas(tasks, MixSettings(rows=700, temperature=1e9))
    assert max(even) - min(even) <= 1


def test_t0_cuts_a_large_data_set_by_its_templates() -> None:
    settings = MixSettings(rates=Rates.T0)
    assert task_weight(task("a", 4_000_000, templates=4), settings) == 500_000
    assert task_weight(task("b", 2_000_000, templates=4), settings) == 2_000_000
    assert task_weight(task("c", 600_000, templates=1), settings) == 500_000
