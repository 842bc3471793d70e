"""Rows become seeds, and a row with several faults names them all."""

from hypothesis import given
from hypothesis import strategies as st

from app.domain.records import Seed, SeedInstance
from app.domain.seed_rows import parse_seed

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
keys = st.sampled_from(
    ["instruction", "input", "output", "instances", "is_classification", "name", "id", "x"]
)


@given(st.dictionaries(keys, json_values))
def test_any_row_gives_a_seed_or_problems(row: dict[str, object]) -> None:
    seed, problems = parse_seed(row)
    assert (seed is None) == bool(problems)


def test_all_problems_of_a_row_are_named() -> None:
    seed, problems = parse_seed({"input": 1, "instances": [{}, 2], "is_classification": 0})
    assert seed is None
    assert {(each.pointer, each.code) for each in problems} == {
        ("/instruction", "missing_field"),
        ("/input", "wrong_type"),
        ("/instances/0/output", "missing_field"),
        ("/instances/1", "wrong_type"),
        ("/is_classification", "wrong_type"),
    }


def test_listed_instances_come_before_flat_ones() -> None:
    row = {"instruction": "a", "output": "flat", "instances": [{"input": "b", "output": "c"}]}
    seed, _ = parse_seed(row)
    assert seed == Seed("a", (SeedInstance("b", "c"),))


def test_the_limit_counts_characters_not_bytes() -> None:
    assert parse_seed({"instruction": "写" * 10}, max_field_chars=10)[1] == ()
    assert parse_seed({"instruction": "写" * 11}, max_field_chars=10)[1][0].code == "too_long"
