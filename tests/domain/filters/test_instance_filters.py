"""The rules on instances, alone and in groups."""

from collections.abc import Sequence

import pytest

from app.domain.filter import judge_instances
from app.domain.filters.conflicting_outputs import ConflictingOutputs
from app.domain.filters.duplicate_instance import DuplicateInstance
from app.domain.filters.empty_output import EmptyOutput
from app.domain.filters.output_equals_input import OutputEqualsInput
from app.domain.filters.too_many_instances import TooManyInstances
from app.domain.filters.trailing_colon import TrailingColon
from app.domain.records import Instance

SINGLE = (OutputEqualsInput(), EmptyOutput(), TrailingColon())
GROUP = (ConflictingOutputs(), DuplicateInstance())


def reasons(*pairs: tuple[str, str]) -> Sequence[tuple[str, ...]]:
    judged = judge_instances([Instance(*pair) for pair in pairs], SINGLE, GROUP)
    assert [(each.input, each.output) for each in judged] == list(pairs)
    return [each.reasons for each in judged]


@pytest.mark.parametrize(
    ("given", "output", "expected"),
    [
        ("a", "b", ()),
        ("", "b", ()),
        ("a", "a", ("output_equals_input",)),
        ("a", "A", ()),
        ("a", "", ("empty_output",)),
        ("", "", ("output_equals_input", "empty_output")),
        ("a:", "b", ("trailing_colon",)),
        ("a", "b:", ("trailing_colon",)),
        ("a", "b: ", ("trailing_colon",)),
        ("a: c", "b : c", ()),
        ("a", "b\uff1a", ()),
        ("a:", "a:", ("output_equals_input", "trailing_colon")),
    ],
)
def test_rules_on_one_instance(given: str, output: str, expected: tuple[str, ...]) -> None:
    assert reasons((given, output)) == [expected]


def test_one_input_with_two_outputs_drops_all() -> None:
    assert reasons(("a", "1"), ("b", "2"), ("a", "3")) == [("conflicting_outputs",)] * 3


def test_empty_inputs_do_not_conflict() -> None:
    assert reasons(("", "1"), ("", "2")) == [(), ()]


def test_what_an_earlier_rule_drops_conflicts_with_nothing() -> None:
    assert reasons(("a", "1"), ("a", ""), ("a", "a")) == [
        (),
        ("empty_output",),
        ("output_equals_input",),
    ]


def test_a_repeated_instance_is_kept_once() -> None:
    assert reasons(("a", "1"), ("a", "1"), ("", "2"), ("", "2"), ("b", "1")) == [
        (),
        ("duplicate_instance",),
        (),
        ("duplicate_instance",),
        (),
    ]


def test_at_most_so_many_are_kept_by_a_seeded_draw() -> None:
    instances = [Instance(str(number), "out") for number in range(9)]
    draws = {tuple(TooManyInstances(5, f"123:{n}").reasons(instances)) for n in range(20)}
    assert len(draws) > 1
    assert all(draw.count(None) == 5 and draw.count("too_many_instances") == 4 for draw in draws)
    again = TooManyInstances(5, "123:0").reasons(instances)
    assert again == TooManyInstances(5, "123:0").reasons(instances)
    assert TooManyInstances(5, 123).reasons(instances[:5]) == [None] * 5
    assert TooManyInstances(5, 123).reasons([]) == []


def test_dropped_duplicates_leave_room_under_the_limit() -> None:
    five = [Instance(str(number), "out") for number in range(5)]
    judged = judge_instances([*five, five[0]], SINGLE, (*GROUP, TooManyInstances(5, 1)))
    assert [each.reasons for each in judged] == [()] * 5 + [("duplicate_instance",)]
